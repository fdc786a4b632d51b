-- The wrong lead: ssl_buffer_size 1400.
scenario "ssl-buffer-size" {
  about = [[
    The path takes 1400 bytes, so somebody sets nginx's ssl_buffer_size to 1400. A
    TLS record is not a segment: TCP cuts the stream where its MSS says, and packets
    are as large as ever. Nothing changes.
  ]],
  symptom   = "HTTPS downloads hang on one path, and making TLS records smaller did not help.",
  is_not    = "A matter of TLS: plain HTTP on the same path hangs as well.",
  recognise = "tshark -T fields -e tcp.len at the server: still above 1348, whatever the record size.",
  cure      = "Lower the MSS instead: clamp it on the path, or lower the server's MTU.",
  sources   = { "RFC 8446 section 5.1", "RFC 6691" },
  shows     = { "office e" },
  tags      = { "tcp", "tls", "pmtu" },
  needs     = { "nftables" },

  topology = path {
    host "client", wire { delay = "15ms" }, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire {}, host "server",
  },

  variants = {
    { "bug-16k-records",  outcome = "stalls" },
    { "bug-1400-records", outcome = "stalls", record = 1400 },
    { "mss-clamped",      outcome = "works", clamp = true },
  },

  run = function(net, v)
    local server = net.server
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    if v.clamp then net.edge:clamp_mss "path" end

    local site = server:tls { port = 443, size = 60000, ssl_buffer_size = v.record }
    local got  = net.client:fetch { from = site, timeout = "2600ms" }
    expect(got.handshaken, "the certificate fits, so the handshake works"):more_than(0)

    local sent = net.trace:at(server)
    if v.outcome == "stalls" then
      expect(got.error):matches "timeout"
      expect(got.bytes):equals(0)
      expect(sent):retransmits { from = server, len = "1349..1448", times = ">= 2", backoff = "exponential" }
    else
      expect(got):succeeds { before = "1500ms" }
      expect(sent):every { from = server, tcp = "data" }:has { len = "1..1348" }
    end
  end,
}
