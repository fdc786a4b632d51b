-- Two routers at one hop: ECMP siblings in a traceroute.
scenario "ecmp-siblings" {
  about = [[
    A router with two equal ways chooses by a hash of addresses and ports. A
    traceroute whose probes differ in their ports sees both, and draws them as one
    path that flaps, or as a way that no packet takes. One flow always takes one.
  ]],
  symptom   = "Traceroute shows several addresses at one hop, changing from run to run; routing is said to be unstable.",
  is_not    = "A route that flaps: each connection keeps its way.",
  recognise = "Paris traceroute, or mtr --tcp with a fixed port, shows one address at each hop.",
  kernels   = "net.ipv4.fib_multipath_hash_policy = 1 hashes the ports too; 0, the default, only addresses.",
  cure      = "Trace with the flow held constant.",
  sources   = { "RFC 2992", "Augustin and others, Avoiding traceroute anomalies with Paris traceroute (IMC 2006)" },
  shows     = { "office j" },
  tags      = { "icmp", "path", "ecmp" },

  topology = graph {
    nodes = { host "client", router "edge", router "left", router "right", router "join", host "server" },
    links = { { "client", wire {}, "edge" }, { "edge", wire {}, "left" }, { "edge", wire {}, "right" },
              { "left", wire {}, "join" }, { "right", wire {}, "join" }, { "join", wire {}, "server" } },
  },

  variants = {
    { "bug",      outcome = "two", vary = true },
    { "one-flow", outcome = "one", vary = false },
  },

  run = function(net, v)
    net.edge:sysctl("net.ipv4.fib_multipath_hash_policy", 1)
    for _, n in ipairs { net.edge, net.left, net.right, net.join, net.server } do n:sysctl("net.ipv4.icmp_ratelimit", 0) end
    net.edge:route { to = net.server.addr .. "/32", via = { "left", "right" }, spread = "flow" }

    local hops = net.client:traceroute { to = net.server, by = "udp", tries = 16, vary = v.vary }
    expect(hops.reached):is_true()
    expect(hops[1].siblings[1]):equals "edge"
    expect(#hops[2].siblings):equals(v.outcome == "two" and 2 or 1)
    for i = 1, #hops do expect(hops[i].loss):equals(0) end
  end,
}
