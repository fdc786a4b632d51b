-- A FIN and a data segment that cross: which arrives first decides who is reset.
scenario "crossing-fin" {
  about = [[
    The server says all it has and closes; at that moment the client sends one
    more request. Both segments are on their way. Where the FIN arrives first, the
    client knows that nobody will answer. Where the request arrives first, it
    reaches a socket that is closed already: the server's kernel answers with a
    reset, although the client had done nothing wrong when it wrote. In the field
    the order is chance; here it is asked for.
  ]],
  symptom   = "On keep-alive connections a request fails now and then with ECONNRESET, most often after a pause.",
  is_not    = "Unread data or linger: the server had read all that there was when it closed.",
  recognise = "The reset has no ACK flag and answers a request; in a capture at the server the request is behind the server's FIN, in one at the client before it.",
  cure      = "Retry idempotent requests on a new connection; let the client's idle timeout be shorter than the server's.",
  sources   = { "RFC 9112 section 9.5" },
  shows     = { "resets close-cross", "resets B4" },
  tags      = { "tcp", "rst", "close", "race" },
  timeout   = "10s",
  topology  = path { host "client", wire { name = "wan", delay = "5ms" }, host "server" },

  variants = {
    { "bug-request-first", outcome = "reset", first = "request" },
    { "fin-first",         outcome = "told",  first = "fin" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    -- What is held is not sent again, however long this machine takes: a second copy would carry the
    -- acknowledgement of the FIN.
    client:route { to = server.addr .. "/32", via = "server", rto_min = "5s" }
    server:route { to = client.addr .. "/32", via = "client", rto_min = "5s" }
    local request = net.wan:hold { from = client, payload = "GET /two" }
    local fin     = net.wan:hold { from = server, tcp = "fin" }

    server:listen(80, function(conn)
      conn:read_until "\r\n\r\n"
      conn:write "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
      conn:close()
    end)

    local conn = client:dial { to = server, port = 80 }
    conn:write "GET /one HTTP/1.1\r\n\r\n"
    conn:read_until "\r\n\r\n"
    must(fin:wait(1, { timeout = "3s" })):is_true()
    conn:write "GET /two HTTP/1.1\r\n\r\n"
    must(request:wait(1, { timeout = "3s" })):is_true()

    if v.first == "request" then
      request:release()
      -- The answer of the server's kernel is on its way before the FIN is let go.
      expect(net.trace:at(server)):sequence { { from = client, payload = "GET /two" }, { from = server, tcp = "rst" } }
      fin:release()
    else
      fin:release()
      -- The server's kernel has the acknowledgement of its FIN before the request.
      must(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack", covers = fin } }
      request:release()
    end

    if v.outcome == "reset" then
      local _, err = conn:read()
      expect(err):equals "ECONNRESET"
      expect(net.trace:at(client)):sequence { { from = client, payload = "GET /two" }, { from = server, tcp = "rst" }, { from = server, tcp = "fin" } }
    else
      local rest, err = conn:read_all()
      expect(rest, "the client learns that nobody will answer"):equals ""
      expect(tostring(err)):matches "nil"
      expect(net.trace:at(client)):sequence { { from = server, tcp = "fin" }, { from = server, tcp = "rst" } }
      expect(net.trace:at(server)):includes { from = server, rst = { kind = "passive" } }
    end
  end,
}
