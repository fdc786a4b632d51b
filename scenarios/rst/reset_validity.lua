-- Which resets a connection believes.
scenario "reset-validity" {
  about = [[
    A reset ends a connection only if its sequence number is exactly the next one
    expected. One that is elsewhere in the window draws a challenge ACK, one out of
    the window nothing. Who forges resets, a middlebox or an attacker, has to know
    the number; a gateway that ends sessions on any reset it sees makes all of them
    fatal.
  ]],
  symptom   = "Resets in the capture and a connection that lives; or a proxy that drops sessions whose ends know of no reset.",
  is_not    = "Every RST in a capture is not the end of a connection.",
  recognise = "nstat -az TcpExtTCPChallengeACK moves; the RST's sequence number differs from the ack of the other side.",
  kernels   = "RFC 5961 since 3.6; challenge ACKs are limited by tcp_invalid_ratelimit and tcp_challenge_ack_limit.",
  cure      = "Middleboxes should check sequence numbers as ends do.",
  sources   = { "RFC 5961 section 3.2" },
  shows     = { "resets V" },
  tags      = { "tcp", "rst", "forged" },
  topology  = path { host "client", wire { name = "wan" }, host "server" },

  variants = {
    { "bug-exact",     outcome = "killed" },
    { "bug-in-window", outcome = "challenged", seq = "in window" },
    { "out-of-window", outcome = "ignored",    seq = "blind" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    c:write "hello"
    s:read()
    s:write "welcome"
    c:read()
    must(net.trace:at(server)):after({ from = server, payload = "welcome" }):includes { from = client, tcp = "ack" }

    net.wan:inject { name = "the middlebox", conn = c, toward = client, flags = "R", seq = v.seq }
    local got, err = c:read { timeout = "200ms" }
    local after = net.trace:at(client)

    if v.outcome == "killed" then
      expect(err):equals "ECONNRESET"
      expect(s:info().state, "the other end knows nothing"):equals "ESTABLISHED"
      expect(net.trace:at(server)):never { from = server, tcp = "rst" }
    else
      expect(err):equals "timeout"
      expect(got):equals ""
      expect(client.counters.TCPChallengeACK):equals(v.outcome == "challenged" and 1 or 0)
      if v.outcome == "challenged" then
        expect(after):after({ tcp = "rst" }):includes { from = client, tcp = "ack" }
      else
        expect(after):after({ tcp = "rst" }):never { from = client }
      end
      c:write "still here"
      expect(s:read()):equals "still here"
    end
  end,
}
