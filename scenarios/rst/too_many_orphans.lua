-- More orphans than the machine allows.
local reset = require "reset"

scenario "too-many-orphans" {
  about = [[
    A socket that was closed while its connection has not ended belongs to nobody: an
    orphan. The machine allows so many of them (tcp_max_orphans); beyond that the
    kernel gives up the next: RST|ACK right at close(), or when its FIN times out.
  ]],
  symptom   = "On a busy server, answers to slow clients are cut; dmesg: 'TCP: too many orphaned sockets'.",
  is_not    = "The application: it had closed properly.",
  recognise = "nstat -az TcpExtTCPAbortOnMemory; cat /proc/net/sockstat: orphan near tcp_max_orphans; RST behind the sender's own FIN, its sequence number one beyond it.",
  kernels   = "Reason TCP_ABORT_ON_MEMORY from 6.12 on; the limit is the machine's, not the namespace's.",
  cure      = "Raise net.ipv4.tcp_max_orphans, shorten tcp_orphan_retries; find why clients do not acknowledge.",
  sources   = { "ip-sysctl: tcp_max_orphans", "net/ipv4/tcp_timer.c: tcp_out_of_resources" },
  shows     = { "resets O1", "resets O2" },
  tags      = { "tcp", "rst", "memory" },
  machine   = { ["net.ipv4.tcp_max_orphans"] = 4 },
  topology  = graph {
    nodes = { host "client", host "server", host "crowd" },
    links = {
      { "client", wire { name = "lan", delay = "50ms" }, "server" },
      { "crowd",  wire { direct = true }, "server" },
    },
  },

  variants = {
    { "bug-at-close",     outcome = "reset" },
    { "bug-at-timeout",   outcome = "reset", late = true },
    { "ended-before",     outcome = "quiet", shut = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local aborts = function() return server.counters.TCPAbortOnMemory end
    -- Orphans whose FIN is acknowledged and whose peer says nothing more. The kernel
    -- counts ten times a second: once it has, the next is one too many.
    local peers = {}
    local function crowd()
      net.crowd:route { to = server.addr, via = "server" }
      local l = server:listen(81)
      repeat
        peers[#peers + 1] = net.crowd:dial { to = l }
        local s = l:accept()
        s:set { linger2 = 120 }
        s:close()
      until aborts() > 0
    end

    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    local gone = v.outcome == "reset" and net.lan:hold { from = server, flags = "R." }
    if v.late then
      net.lan:drop { from = client, tcp = "ack", optional = true }
      s:close()
      crowd()
    else
      crowd()
      if v.shut then
        -- Without an orphan in between: both have said FIN before close.
        s:shutdown "write"
        expect(c:read_all()):equals ""
        expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" } }
        c:shutdown "write"
        expect(net.trace:at(client)):sequence { { from = client, tcp = "fin" }, { from = server, tcp = "ack" } }
      end
      s:close()
    end
    if gone then
      must(gone:wait(1, { timeout = "2s" }), "given up"):is_true()
      -- Whether a client that hears both at once still acknowledges the FIN is chance.
      if not v.late then must(net.trace:at(server)):includes { from = client, ack = 2 } end
      gone:release()
    end

    if v.outcome == "reset" then
      expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = server, flags = "R." } }
      reset.expected(net, server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY", through = v.late and "tcp_retransmit_timer" or "__tcp_close" })
      expect(aborts()):at_least(v.late and 1 or 2)
    else
      expect(net.trace):never { tcp = "rst" }
      expect(aborts(), "of the crowd alone"):equals(1)
    end
    -- No orphan outlives this: their number is the machine's.
    for _, peer in ipairs(peers) do peer:abort() end
  end,
}
