-- HTTPS fails where HTTP works: the certificate flight that does not fit.
local tls = require "tls"

scenario "certificate-flight" {
  about = [[
    The page over HTTP is small and loads. The same page over HTTPS begins with the
    server's certificates, some six thousand bytes in full segments, and the path
    drops full segments. So HTTP by address is fine and HTTPS is broken, and
    certificates and CPUs are suspected. With a chain that fits into one packet
    HTTPS works, until somebody asks for something large.
  ]],
  symptom   = "http:// works, https:// hangs in the handshake; a paid certificate is bought instead of a free one, and it does not help.",
  is_not    = "A bad certificate, or a CPU that is too slow for TLS: the ServerHello is sent at once.",
  recognise = "openssl s_client -connect hangs after 'CONNECTED'; the server sends its first segment over and over.",
  cure      = "Mend the path's MTU (ICMP, MSS). A smaller chain only hides it.",
  sources   = { "RFC 8446 section 4.4.2", "RFC 2923 section 2.1" },
  shows     = { "office c", "office h" },
  tags      = { "tcp", "tls", "pmtu" },
  needs     = { "nftables" },

  topology = path {
    host "client", wire { delay = "15ms" }, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire {}, host "server",
  },

  variants = {
    { "bug",         outcome = "hangs", bytes = 6000 },
    { "small-chain", outcome = "works" },
    { "mss-clamped", outcome = "works", bytes = 6000, clamp = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    if v.clamp then net.edge:clamp_mss "path" end
    local page   = ("x"):rep(700)
    local plain  = server:serve { port = 80, body = page }
    local secure = server:tls { port = 443, body = page, chain = tls.chain { bytes = v.bytes } }

    expect(client:fetch { from = plain }.bytes, "HTTP"):equals(700)
    local got = client:fetch { from = secure, timeout = "2600ms" }

    if v.outcome == "hangs" then
      expect(got.error):equals "handshake timeout"
      expect(got.connected, "TCP was connected"):more_than(0)
      local sent = net.trace:at(server):tcp { from = server, sport = 443 }
      expect(sent):includes { tls = "server-hello" }
      expect(sent):retransmits { seq = 1, len = 1448, times = ">= 2", backoff = "exponential" }
    else
      expect(got):succeeds { before = "1500ms" }
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
