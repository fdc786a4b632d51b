-- close() that throws the answer away.
scenario "linger-close-rst" {
  about = [[
    The server answers and closes at once. With SO_LINGER {on, 0}, or with a
    request still unread, close() sends RST instead of FIN: what the kernel had
    not yet sent is discarded and the client loses the tail of the body.
  ]],
  tags     = { "tcp", "rst", "close" },
  timeout  = "10s",
  topology = path { host "client", wire { delay = "5ms" }, host "server" },

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
    sleep "300ms"
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
        server > client  R.   rst active  within 50ms
      ]]
      -- Both closes look the same on the wire; the verdict says so.
      local cause = v.unread and "unread" or "linger"
      expect(net.trace:at(server)):includes { from = server, rst = { kind = "active", cause = cause } }
      expect(net.trace):never { from = server, tcp = "fin" }
    else
      expect(err):is_nil()
      expect(#body):equals(size)
      expect(net.trace):never { tcp = "rst" }
      expect(net.trace):includes { from = server, tcp = "fin" }
    end
  end,
}
