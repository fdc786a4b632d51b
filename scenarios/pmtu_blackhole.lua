-- The certificate that never fits.
local tls = require "tls"

scenario "pmtu-blackhole" {
  about = [[
    The tunnel is 1400 bytes wide and the edge router's "fragmentation needed"
    never gets out. Small packets pass, so TCP connects and the ClientHello
    arrives; the certificate flight does not, and the server retransmits the
    same full-size segment until somebody gives up.
  ]],
  tags    = { "tcp", "tls", "pmtu", "icmp" },
  needs   = { "nftables" },
  timeout = "30s",

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
    local call = client:tls { to = site, timeout = "8s" }
    local done = call:wait()

    step "verdict"
    local sent = net.trace:at(server):tcp { from = server, conn = call }

    if v.outcome == "stalls" then
      expect(done):fails "handshake timeout"
      expect(sent):retransmits { seq = 1, len = 1448, times = ">= 4", backoff = "exponential" }
      expect(hole.hits):at_least(1)
    elseif v.outcome == "limps" then
      expect(done):succeeds { after = "2s", before = "8s" }
      expect(sent):includes { tcp = "rexmit", seq = 1, len = 1024 }   -- tcp_base_mss
    else
      expect(done):succeeds { before = "500ms" }
      expect(sent):never { tcp = "rto" }
    end
  end,
}
