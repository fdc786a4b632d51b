-- Ping lies, the one way: echo is answered while TCP dies.
scenario "ping-fine-tcp-dead" {
  about = [[
    An echo request of 64 bytes says that small packets get there and back. The path
    drops what is larger than 1400 bytes and says nothing. An echo as large as TCP's
    segments, and not to be fragmented, tells.
  ]],
  symptom   = "Monitoring by ping is green, 0 % loss, 1 ms; users cannot load anything.",
  is_not    = "A working path: ping's packets are smaller than those that die.",
  recognise = "ping -M do -s 1472 (1500 bytes in all) is lost while plain ping is not.",
  cure      = "Monitor what users do, over TCP and in full-sized packets; clamp the MSS.",
  sources   = { "RFC 2923 section 2.1", "RFC 8899" },
  shows     = { "office a", "office f" },
  tags      = { "icmp", "pmtu" },
  needs     = { "nftables" },

  topology = path {
    host "client", wire {}, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire {}, host "server",
  },

  variants = {
    { "bug",         outcome = "dead" },
    { "mss-clamped", outcome = "alive", clamp = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    net.isp:drop  { out = true, icmp = "frag-needed", optional = true }
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    if v.clamp then net.edge:clamp_mss "path" end
    local site = server:serve { port = 80, size = 30000 }

    local ping = client:ping { to = server, count = 3, interval = "10ms" }
    expect(ping.received, "ping"):equals(3)
    local got = client:fetch { from = site, timeout = "2s" }
    local full = client:ping { to = server, count = 1, size = 1472, df = "probe", timeout = "300ms" }
    expect(full.received, "an echo of full size"):equals(0)

    if v.outcome == "dead" then
      expect(got.error):equals "read timeout"
      expect(net.trace:at(server)):retransmits { from = server, len = 1448, times = ">= 2" }
    else
      expect(got.bytes):equals(30000)
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
