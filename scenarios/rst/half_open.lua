-- A half-open connection: the peer has restarted and knows nothing of it.
local reset = require "reset"

scenario "half-open" {
  about = [[
    The server's machine lost power and came back. The client still has its
    connection and writes. Nobody there knows it, so the answer is a reset: from no
    socket at all, or from the listener of the new server process, which the kernel
    names differently and the wire does not.
  ]],
  symptom   = "The first request after an outage of the server fails with ECONNRESET; a second one works.",
  is_not    = "A server that closes connections: it never had this one.",
  recognise = "R, no ACK flag, win 0, answering data of a connection whose handshake was long ago; its sequence number is the ack of that data.",
  kernels   = "Reasons NO_SOCKET and, with a listener, TCP_FLAGS in state LISTEN, from 6.10 on.",
  cure      = "Retry on a new connection; keep-alives find it before a request does.",
  sources   = { "RFC 9293 section 3.5.1", "net/ipv4/tcp_ipv4.c: tcp_v4_rcv" },
  shows     = { "resets half-open", "resets B2" },
  tags      = { "tcp", "rst", "restart" },
  needs     = { "nftables" },
  topology  = path { host "client", wire {}, host "server" },

  variants = {
    { "bug-nobody-listens", outcome = "reset", restart = true, cause = "no-socket", reason = "NO_SOCKET" },
    { "bug-new-listener",   outcome = "reset", restart = true, again = true, cause = "listener", reason = "TCP_FLAGS" },
    { "no-restart",         outcome = "works" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    c:write "before"
    expect(s:read()):equals "before"
    if v.restart then
      -- Power off: of its connections nothing is left, and nobody said so.
      local silent = server:rule("output", "tcp sport 80 tcp flags & rst == rst drop", { name = "power off" })
      s:abort()
      if not v.again then l:close() end
      expect(silent.hits):at_least(1)
      silent:disarm()
    end
    c:write "after"

    if v.outcome == "reset" then
      expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
      reset.expected(net, server, { kind = "passive", flags = "R", cause = v.cause, looks = "no-socket", reason = v.reason })
      expect(net.trace:at(client)):after({ payload = "after" }):includes { from = server, flags = "R", win = 0 }
    else
      expect(s:read()):equals "after"
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
