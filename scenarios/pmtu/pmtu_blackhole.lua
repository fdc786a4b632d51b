-- The certificate that never fits.
local tls = require "tls"

scenario "pmtu-blackhole" {
  about = [[
    The tunnel is 1400 bytes wide and the edge router's "fragmentation needed"
    never gets out. Small packets pass, so TCP connects and the ClientHello
    arrives; the certificate flight does not, and the server retransmits the
    same full-size segment until somebody gives up.
  ]],
  symptom   = "HTTPS hangs after the ClientHello; ping works, telnet to the port connects, from other networks all is well.",
  is_not    = "A slow server, a wrong certificate, a firewall that blocks the port.",
  recognise = "tshark -Y 'tcp.analysis.retransmission && tcp.len > 1300' at the server: one segment again and again at doubling gaps, never acknowledged; ping -M do -s 1472 gets no answer and no error.",
  kernels   = "tcp_mtu_probing = 1 recovers after the first retransmissions have lasted three seconds (2.6.17 and later).",
  cure      = "Let ICMP type 3 code 4 through; or clamp the MSS where the path narrows; tcp_mtu_probing = 1 only limps.",
  sources   = { "RFC 1191", "RFC 2923 section 2.1", "RFC 4821" },
  shows     = { "office c", "office g" },
  tags      = { "tcp", "tls", "pmtu", "icmp" },
  needs     = { "nftables" },
  timeout   = "30s",

  topology = path {
    host   "client",
    wire   { delay = "10ms" },
    router "isp",
    wire   { name = "tunnel", mtu = 1400 },
    router "edge",
    wire   { delay = "1ms" },
    host   "server",
  },

  variants = {
    { "bug",         outcome = "stalls" },
    { "icmp-passes", outcome = "works", icmp = "pass" },
    { "mss-clamped", outcome = "works", clamp = true },
    { "mtu-probing", outcome = "limps", probing = 1 },
  },

  run = function(net, v)
    local client, edge, server = net.client, net.edge, net.server

    local hole
    if v.icmp ~= "pass" then hole = edge:drop { out = true, icmp = "frag-needed", optional = v.clamp } end
    if v.clamp          then edge:clamp_mss "path" end
    if v.probing        then server:sysctl("net.ipv4.tcp_mtu_probing", v.probing) end

    step "handshake"
    local site = server:tls { port = 443, chain = tls.chain { bytes = 6000 } }
    local call = client:tls { to = site, timeout = v.probing and "12s" or "4s" }
    local done = call:wait()

    step "verdict"
    local sent = net.trace:at(server):tcp { from = server, conn = call }

    if v.outcome == "stalls" then
      expect(done):fails "handshake timeout"
      expect(sent):retransmits { seq = 1, len = 1448, times = ">= 3", backoff = "exponential" }
      if hole then expect(hole.hits):at_least(1) end
    elseif v.outcome == "limps" then
      expect(done):succeeds { after = "2s", before = "12s" }
      expect(sent):includes { tcp = "rexmit", seq = 1, len = 1024 }   -- tcp_base_mss
    else
      expect(done):succeeds { before = "2s" }
      expect(sent):never { tcp = "rto" }
    end
  end,
}
