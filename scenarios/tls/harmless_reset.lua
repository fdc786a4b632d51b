-- The harmless reset: the client's close_notify meets a closed server.
local tls = require "tls"

scenario "harmless-reset" {
  about = [[
    The server says Connection: close, answers and closes: FIN, and its socket is
    gone. The client acknowledges it and, as TLS wants, says close_notify, 31 bytes with AES-GCM.
    There is nobody left to take them, so the server's kernel answers with a reset
    whose sequence number is the client's acknowledgement number. All of the answer
    had arrived long before. A capture that lost the FIN makes the reset look as if
    it came from nowhere: testdata/capture has one of each, as they were pasted.
  ]],
  symptom   = "Every capture of a good request ends in RST, and somebody stops looking for the real fault there.",
  is_not    = "A reset connection: the application got all its bytes and no error.",
  recognise = "tshark: RST without ACK, win 0, seq equal to the last ack of the client, behind a FIN of the same sender; check 'packets dropped by kernel' of tcpdump before wondering about a missing FIN.",
  cure      = "None is needed. A server that lingers (lingering_close always) and a client that says nothing more show none.",
  sources   = { "RFC 9293 section 3.10.7.1", "RFC 8446 section 6.1", "nginx: lingering_close" },
  shows     = { "office q", "resets B3" },
  tags      = { "tls", "rst", "close" },

  topology = path { host "client", wire { delay = "1ms" }, host "server" },

  variants = {
    { "bug",       outcome = "reset", notify = true },
    { "no-answer", outcome = "quiet", notify = false },
    { "lingering", outcome = "quiet", notify = true, lingering = "always" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local site = server:tls { port = 443, ssl_protocols = { "TLSv1.2" }, lingering_close = v.lingering, lingering_timeout = "8s",
                              routes = { ["/"] = { size = 79000, close = true } } }
    local conn = client:dial { to = site }
    must(conn:handshake()):is_true()
    conn:write "GET / HTTP/1.1\r\nHost: server\r\n\r\n"
    local answer, err = conn:read_all()
    expect(err, "the answer is whole"):is_nil()
    expect(#answer):at_least(79000)
    must(net.trace:at(client)):includes { from = server, tcp = "fin" }
    if v.notify then
      -- Nothing is on its way any more: the FIN is acknowledged.
      must(net.trace):never { tcp = "rst" }
      conn:close_notify()
    end

    if v.outcome == "reset" then
      expect(net.trace:at(client)):sequence {
        { from = server, tcp = "fin" },
        { from = client, tls = "close-notify" },
        { from = server, tcp = "rst", flags = "R", win = 0 },
      }
      expect(net.trace:at(client)):includes { from = server, rst = { kind = "passive" } }
      expect(server.counters.OutRsts):at_least(1)
    else
      expect(net.trace):never { from = server, tcp = "rst" }
    end
  end,
}
