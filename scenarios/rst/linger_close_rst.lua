-- close() that throws the answer away.
local reset = require "reset"

scenario "linger-close-rst" {
  about = [[
    The server answers and closes at once. With SO_LINGER {on, 0}, or with a
    request still unread, close() sends RST instead of FIN: what the kernel had
    not yet sent is discarded and the client loses the tail of the body.
  ]],
  symptom   = "Downloads end early with 'connection reset by peer', large ones and slow clients first.",
  is_not    = "The network, nor the client: the server's own kernel sends RST|ACK in good order.",
  recognise = "nstat -az TcpExtTCPAbortOnData (linger 0) TcpExtTCPAbortOnClose (unread data) on the server; in a capture RST|ACK with a window and timestamps, and no FIN from that side.",
  kernels   = "The tracepoint tcp_send_reset gives TCP_STATE for linger 0 and TCP_ABORT_ON_CLOSE for unread data from 6.12 on.",
  cure      = "Read the request to its end, shut down for writing, read until the peer closes, then close; no linger 0.",
  sources   = { "RFC 2525 section 2.17", "RFC 9293 section 3.10.4", "net/ipv4/tcp.c: __tcp_close" },
  shows     = { "resets A1", "resets A2" },
  tags      = { "tcp", "rst", "close" },
  timeout   = "10s",
  topology  = path { host "client", wire { delay = "40ms" }, host "server" },

  variants = {
    { "bug-linger", outcome = "reset", linger = 0 },
    { "bug-unread", outcome = "reset", unread = true },
    { "fix",        outcome = "clean" },
  },
  matrix = { rcvbuf = { "4KB", "16KB" } },

  run = function(net, v)
    local client, server = net.client, net.server
    local size = 64 * 1024

    server:listen(8080, function(conn)
      -- The kernel must take the whole body at once, or write would wait for the reader.
      conn:set { sndbuf = "128KB" }
      if v.unread then conn:wait_readable() else conn:read_until "\r\n\r\n" end
      conn:write(("x"):rep(size))
      if v.linger then conn:set { linger = v.linger } end
      conn:close()
    end)

    local conn = client:dial { to = server, port = 8080, rcvbuf = v.rcvbuf }
    conn:write "GET / HTTP/1.0\r\n\r\n"
    -- The client does not read before the server has closed.
    if v.outcome == "reset" then
      must(net.trace:at(client)):includes { from = server, tcp = "rst" }
    else
      sleep "450ms"
    end
    local body, err = conn:read_all()

    if v.outcome == "reset" then
      expect(err):equals "ECONNRESET"
      expect(#body):less_than(size)
      expect(net.trace:at(server)):reads [[
        client > server  S
        server > client  S.
        client > server  .
        client > server  P.   len 18
        ...
        server > client  R.   rst active
      ]]
      -- Both closes look the same on the wire; the kernel and its counters tell them apart.
      if v.unread then
        reset.expected(net, server, { kind = "active", cause = "unread", reason = "TCP_ABORT_ON_CLOSE", through = "__tcp_close", counters = { TCPAbortOnClose = 1, TCPAbortOnData = 0 } })
      else
        reset.expected(net, server, { kind = "active", cause = "linger", reason = "TCP_STATE", through = "__tcp_close", counters = { TCPAbortOnClose = 0, TCPAbortOnData = 1 } })
      end
      expect(net.trace):never { from = server, tcp = "fin" }
    else
      expect(err):is_nil()
      expect(#body):equals(size)
      expect(net.trace):never { tcp = "rst" }
      expect(net.trace):includes { from = server, tcp = "fin" }
    end
  end,
}
