-- Jumbo frames on one side of a segment only.
scenario "jumbo-segment" {
  about = [[
    Two machines on one segment have an MTU of 9001, and the port of the switch
    between them was left at 1500. There is no router, so there is nobody who could
    say "fragmentation needed": frames that are too long vanish. Where only one of
    the two machines has jumbo frames nothing breaks, because the other's MSS is
    1460.
  ]],
  symptom   = "After jumbo frames were turned on, database results of more than a few kB hang; logins and small queries work.",
  is_not    = "A path-MTU black hole of filtered ICMP: no ICMP was ever sent.",
  recognise = "ping -M do -s 8973 to the neighbour fails without an error, -s 1472 works; both are on one subnet.",
  cure      = "One MTU on all of a segment, switch ports included; a route with mtu 1500 until then.",
  sources   = { "RFC 4821 section 2", "RFC 6691" },
  shows     = { "office c" },
  tags      = { "tcp", "pmtu", "switch" },

  topology = graph {
    nodes = { switch "lan", host "app", host "db", host "plain" },
    links = {
      { "app",   wire { mtu = 9001 }, "lan" },
      { "db",    wire { mtu = { 9001, 1500 } }, "lan" },
      { "plain", wire { mtu = { 1500, 9001 } }, "lan" },
    },
  },

  variants = {
    { "bug",            outcome = "stalls", server = "db" },
    { "one-side-jumbo", outcome = "works",  server = "plain" },
    { "route-mtu-1500", outcome = "works",  server = "db", route = true },
  },

  run = function(net, v)
    local client, server = net.app, net[v.server]
    if v.route then
      server:route { to = client.addr .. "/32", via = "app", mtu = 1500 }
    end
    local site  = server:serve { port = 80, routes = { ["/small"] = { size = 900 }, ["/large"] = { size = 8000 } } }
    local small = client:fetch { from = site, path = "/small" }
    local large = client:fetch { from = site, path = "/large", timeout = "2s" }

    expect(small.bytes):equals(900)
    expect(net.trace):never { icmp = "frag-needed" }
    if v.outcome == "stalls" then
      expect(large.error):equals "read timeout"
      expect(net.trace:at(server)):retransmits { from = server, len = ">= 1461", times = ">= 2", backoff = "exponential" }
      expect(net.trace:at(client)):never { from = server, len = ">= 1461" }
    else
      expect(large):succeeds { before = "1500ms" }
      expect(net.trace:at(server)):every { from = server, tcp = "data" }:has { len = "1..1448" }
    end
  end,
}
