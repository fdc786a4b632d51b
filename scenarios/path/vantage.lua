-- One server, several places to look from.
scenario "vantage" {
  about = [[
    The site is broken from the office and works from home, over 4G, and from the
    office with the VPN on. Access points, hops and browsers are compared. What
    differs is the path: one link of the office's takes 1400 bytes and its router's
    ICMP messages are filtered. The VPN mends it by accident: its device has an MTU of
    1300, so TCP says a smaller MSS.
  ]],
  symptom   = "Works for the vendor, for the customer's staff at home and with the VPN; never from the office.",
  is_not    = "The server, the certificate, the browser or DNS: all vantage points use the same.",
  recognise = "Compare mtr and the MSS in the SYN from each place: what is different on the failing path alone?",
  cure      = "Mend the office's path; until then a lower MTU (or the VPN) on the office's machines.",
  sources   = { "RFC 2923 section 2.1" },
  shows     = { "office a", "office j" },
  tags      = { "tcp", "pmtu", "path" },
  needs     = { "nftables" },

  topology = graph {
    nodes = { host "office", host "home", host "phone", router "isp", router "vpn", router "internet", host "server" },
    links = {
      { "office", wire {}, "isp" }, { "isp", wire { name = "leased", mtu = 1400, delay = "15ms" }, "internet" },
      { "office", wire { name = "tunnel", mtu = 1300, delay = "15ms" }, "vpn" }, { "vpn", wire {}, "internet" },
      { "home", wire { delay = "15ms" }, "internet" }, { "phone", wire { delay = "30ms" }, "internet" },
      { "internet", wire { name = "dc" }, "server" },
    },
  },

  variants = {
    { "bug-office",     outcome = "hangs", from = "office", via = "isp" },
    { "office-and-vpn", outcome = "works", from = "office", via = "vpn" },
    { "home",           outcome = "works", from = "home" },
    { "phone",          outcome = "works", from = "phone" },
  },

  run = function(net, v)
    local client, server = net[v.from], net.server
    net.internet:drop { out = true, icmp = "frag-needed", optional = true }
    if v.via then
      client:route { to = "default", via = v.via }
      client:route { to = server.addr .. "/32", via = v.via }
    end
    local site = server:tls { port = 443, size = 40000 }
    local got  = client:fetch { from = site, timeout = "1300ms" }

    if v.outcome == "hangs" then
      expect(got.error):matches "timeout"
      expect(got.bytes):equals(0)
      expect(net.trace:at(server)):retransmits { from = server, len = "1349..1448", times = ">= 2" }
    else
      expect(got.bytes):equals(40000)
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
