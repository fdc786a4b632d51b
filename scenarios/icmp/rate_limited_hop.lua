-- 60 % loss at a hop, and nothing is lost.
scenario "rate-limited-hop" {
  about = [[
    mtr sends a packet that dies at each hop, and counts the answers. Routers make
    few ICMP errors a second for one receiver, so of many probes at once most go
    unanswered: loss in mtr's column, at a hop that passes every packet on.
  ]],
  symptom   = "mtr shows 40 to 60 % loss, or ???, at a hop in the middle, and the provider is blamed.",
  is_not    = "Loss. Loss at a hop is real only where it goes on at every hop behind it.",
  recognise = "The last line of mtr is 0 %; mtr -i 1 (slower) makes the loss of the hop go away.",
  kernels   = "net.ipv4.icmp_ratelimit: one error a second for each receiver, after six at once.",
  cure      = "None is needed. Look at the last hop, and probe over TCP.",
  sources   = { "RFC 1812 section 4.3.2.8", "net/ipv4/icmp.c: icmpv4_xrlim_allow" },
  shows     = { "office o", "office p" },
  tags      = { "icmp", "path" },

  topology = path { host "client", wire {}, router "near", wire {}, router "busy", wire {}, router "far", wire {}, host "server" },

  variants = {
    { "bug",      outcome = "looks-lossy", limit = 1000 },
    { "no-limit", outcome = "looks-clean", limit = 0 },
  },

  run = function(net, v)
    for _, n in ipairs { net.near, net.far } do n:sysctl("net.ipv4.icmp_ratelimit", 0) end
    net.busy:sysctl("net.ipv4.icmp_ratelimit", v.limit)
    local site = net.server:serve { port = 443, size = 50000 }

    local hops = net.client:traceroute { to = net.server, by = "icmp", tries = 15, timeout = "100ms" }
    expect(hops.reached):is_true()
    expect(#hops):equals(4)
    expect(hops[1].loss, "before it"):equals(0)
    expect(hops[3].loss, "behind it"):equals(0)
    expect(hops[4].loss, "end to end"):equals(0)
    expect(net.client:fetch { from = site }.bytes):equals(50000)
    expect(net.trace, "TCP misses nothing"):never { tcp = "rexmit", original = "lost" }
    expect(net.trace:at(net.client), "each hop costs one of the TTL"):every { icmp = "time-exceeded", from = net.far }:has { ttl = 62 }

    if v.outcome == "looks-lossy" then
      expect(hops[2].loss):at_least(0.3)
      expect(hops[2].loss):less_than(1)
    else
      expect(hops[2].loss):equals(0)
    end
  end,
}
