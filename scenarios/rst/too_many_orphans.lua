-- More orphans than the machine allows.
local reset = require "reset"

scenario "too-many-orphans" {
  about = [[
    A socket that was closed but whose FIN is not acknowledged belongs to nobody. The
    machine allows so many of them (tcp_max_orphans); beyond that the kernel gives up
    the next: RST|ACK right at close(), or at the first retransmission of the FIN.
  ]],
  symptom   = "On a busy server, answers to slow clients are cut; dmesg: 'TCP: too many orphaned sockets'.",
  is_not    = "The application: it had closed properly.",
  recognise = "nstat -az TcpExtTCPAbortOnMemory; cat /proc/net/sockstat: orphan near tcp_max_orphans; RST behind the sender's own FIN, its sequence number one beyond it.",
  kernels   = "Reason TCP_ABORT_ON_MEMORY from 6.12 on; the limit is the machine's, not the namespace's.",
  cure      = "Raise net.ipv4.tcp_max_orphans, shorten tcp_orphan_retries; find why clients do not acknowledge.",
  sources   = { "ip-sysctl: tcp_max_orphans", "net/ipv4/tcp_timer.c: tcp_out_of_resources" },
  shows     = { "resets O1", "resets O2" },
  tags      = { "tcp", "rst", "memory" },
  machine   = { ["net.ipv4.tcp_max_orphans"] = 0 },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug",              outcome = "reset", lost = true },
    { "fin-acknowledged", outcome = "quiet" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.lost then
      net.lan:drop { from = client, tcp = "ack", optional = true }
      s:close()
    else
      -- Without an orphan in between: the FIN is acknowledged before close.
      s:shutdown "write"
      expect(c:read_all()):equals ""
      expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" } }
      c:shutdown "write"
      expect(net.trace:at(client)):sequence { { from = client, tcp = "fin" }, { from = server, tcp = "ack" } }
      s:close()
    end

    if v.outcome == "reset" then
      expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = server, flags = "R." } }
      reset.expected(net, server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY", counters = { TCPAbortOnMemory = 1 } })
    else
      expect(net.trace):never { tcp = "rst" }
      expect(server.counters.TCPAbortOnMemory):equals(0)
    end
  end,
}
