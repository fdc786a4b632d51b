-- TCP_LINGER2 below zero: a reset from FIN_WAIT2.
local reset = require "reset"

scenario "linger2-fin-wait2" {
  about = [[
    The server has shut down for writing and waits for the client's FIN. With
    TCP_LINGER2 at -1, close() does not wait: it resets. If the client's
    acknowledgement of the FIN comes only after close(), the same option takes the
    passive path and the reset has no ACK flag.
  ]],
  symptom   = "Clients that close later than the server see a reset after a complete answer.",
  is_not    = "Unread data or linger 0: all had been read and a FIN was sent.",
  recognise = "nstat -az TcpExtTCPAbortOnLinger; a reset behind the sender's own FIN and the ACK to it.",
  kernels   = "Reason TCP_ABORT_ON_LINGER from 6.12 on.",
  cure      = "Leave TCP_LINGER2 and tcp_fin_timeout alone.",
  sources   = { "tcp(7): TCP_LINGER2", "net/ipv4/tcp.c: __tcp_close" },
  shows     = { "resets A3" },
  tags      = { "tcp", "rst", "close" },
  topology  = path { host "client", wire { delay = "200ms" }, host "server" },

  variants = {
    { "bug-fin-acknowledged", outcome = "active",  linger2 = -1, wait = true },
    { "bug-fin-on-its-way",   outcome = "passive", linger2 = -1, wait = false },
    { "default",              outcome = "quiet",   wait = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.linger2 then s:set { linger2 = v.linger2 } end
    s:shutdown "write"
    if v.wait then
      expect(c:read_all()):equals ""
      expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" } }
    end
    s:close()

    if v.outcome == "active" then
      reset.expected(net, server, { kind = "active", flags = "R.", cause = "linger2", reason = "TCP_ABORT_ON_LINGER", state = "FIN_WAIT2", through = "__tcp_close", counters = { TCPAbortOnLinger = 1 } })
    elseif v.outcome == "passive" then
      expect(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" }, { from = server, flags = "R", win = 0 } }
      expect(server.counters.TCPAbortOnLinger):equals(0)
      expect(server.counters.TCPAbortOnData):equals(1)
    else
      expect(net.trace):never { tcp = "rst" }
      c:close()
      expect(net.trace:at(server)):includes { from = client, tcp = "fin" }
    end
  end,
}
