-- A connection given up by connect(AF_UNSPEC).
local reset = require "reset"

scenario "abort" {
  about = [[
    A program calls connect() with AF_UNSPEC on an open connection, or an operator
    kills it with ss -K. Either sends RST|ACK, which nothing on the wire tells from a
    close with linger 0.
  ]],
  symptom   = "Connections end with ECONNRESET while their program goes on.",
  is_not    = "A crash: the process lives, and may use the same socket again.",
  recognise = "Only the kernel tells: stack tcp_disconnect <- __inet_stream_connect (or tcp_abort for ss -K) at the tracepoint tcp_send_reset.",
  kernels   = "6.10 and later for the stack of the tracepoint; before, only the counter EstabResets moves.",
  cure      = "Close connections instead.",
  sources   = { "connect(2)", "net/ipv4/tcp.c: tcp_disconnect" },
  shows     = { "resets A4", "resets A5" },
  tags      = { "tcp", "rst" },
  topology  = path { host "client", wire {}, host "server" },

  variants = {
    { "bug",    outcome = "reset", verb = "abort" },
    { "closed", outcome = "fin",   verb = "close" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    s[v.verb](s)
    local _, err = c:read_all()

    if v.outcome == "reset" then
      expect(err):equals "ECONNRESET"
      reset.expected(net, server, { kind = "active", cause = "aborted", looks = "linger", reason = "TCP_STATE", through = "tcp_disconnect", counters = { EstabResets = 1 } })
    else
      expect(err):is_nil()
      expect(net.trace):never { tcp = "rst" }
      expect(net.trace):includes { from = server, tcp = "fin" }
    end
  end,
}
