-- Probes, names and datagram sockets, in both versions of IP.

local function line(ip, wan)
  wan = wan or {}
  wan.name = "wan"
  return path { host "client", wire(wan), router "near", wire { name = "mid" }, router "far", wire { name = "lan" }, host "server", ip = ip }
end

local function each(name, run, o)
  o = o or {}
  for _, ip in ipairs { 4, 6 } do
    scenario("reach-" .. name .. "-v" .. ip) { tags = { "probes" }, timeout = o.timeout, topology = (o.topology or line)(ip, o.wan and o.wan()), run = function(net) run(net, ip) end }
  end
end

each("ping", function(net, ip)
  local p = net.client:ping { to = net.server, count = 3, size = 100 }
  expect(p.received):equals(3)
  expect(p.lost):equals(0)
  expect(p.avg):between(0.02, 0.5)
  expect(p.replies[1].node):equals "server"
  expect(p.replies[1].ttl):equals(62)
  expect(net.trace:at(net.server)):exactly(3, { from = net.client, icmp = "echo-request" })
  -- The hop where it ends says so.
  local short = net.client:ping { to = net.server, ttl = 2 }
  expect(short.received):equals(0)
  expect(short.replies[1].error):equals "time-exceeded"
  expect(short.replies[1].node):equals "far"
end, { wan = function() return { delay = "10ms" } end })

each("ping-lost", function(net)
  net.mid:drop { icmp = "echo-request", nth = 2 }
  local p = net.client:ping { to = net.server, count = 3, timeout = "200ms" }
  expect(p.received):equals(2)
  expect(p.replies[2].error):equals "timeout"
end)

each("ping-df", function(net, ip)
  local p = net.client:ping { to = net.server, size = 1400, df = true }
  expect(p.replies[1].error):equals(ip == 4 and "frag-needed" or "packet-too-big")
  expect(p.replies[1].mtu):equals(1400)
  expect(p.replies[1].node):equals "near"
  -- From then on the kernel knows.
  local again = net.client:ping { to = net.server, size = 1400, df = true, timeout = "300ms" }
  expect(again.replies[1].error):equals "EMSGSIZE"
  expect(net.client:ping({ to = net.server, size = 1300, df = true }).received):equals(1)
end, { topology = function(ip)
  return path { host "client", wire {}, router "near", wire { mtu = 1400 }, router "far", wire {}, host "server", ip = ip }
end })

each("path-mtu", function(net, ip)
  local m = net.client:path_mtu(net.server)
  expect(m.mtu):equals(1400)
  expect(m.told):is_true()
  expect(m.node):equals "near"
  expect(m.black_hole):equals(false)
end, { topology = function(ip)
  return path { host "client", wire {}, router "near", wire { mtu = 1400 }, router "far", wire {}, host "server", ip = ip }
end })

each("path-mtu-black-hole", function(net, ip)
  net.near:drop { icmp = ip == 4 and "frag-needed" or "packet-too-big", out = true }
  local m = net.client:path_mtu { to = net.server, timeout = "100ms" }
  expect(m.mtu):equals(1400)
  expect(m.told):equals(false)
  expect(m.black_hole):is_true()
end, { topology = function(ip)
  return path { host "client", wire {}, router "near", wire { mtu = 1400 }, router "far", wire {}, host "server", ip = ip }
end })

for _, by in ipairs { "udp", "icmp", "tcp" } do
  each("traceroute-" .. by, function(net)
    net.server:listen(443)
    local hops = net.client:traceroute { to = net.server, by = by, tries = 2 }
    expect(#hops):equals(3)
    expect(hops.reached):is_true()
    expect(hops[1].node):equals "near"
    expect(hops[2].node):equals "far"
    expect(hops[3].node):equals "server"
    for _, h in ipairs(hops) do
      expect(h.loss):equals(0)
      expect(#h.replies):equals(2)
    end
    expect(hops[1].replies[1].error):equals "time-exceeded"
  end)
end

each("traceroute-silent-hop", function(net)
  net.far:drop { icmp = "time-exceeded", out = true }
  local hops = net.client:traceroute { to = net.server, tries = 2, timeout = "200ms" }
  expect(hops[2].loss):equals(1)
  expect(hops[2].node):is_nil()
  expect(hops[3].node):equals "server"
  expect(hops[3].loss):equals(0)
end)

scenario "reach-traceroute-siblings" {
  tags = { "probes" },
  topology = graph {
    nodes = { host "client", router "edge", router "left", router "right", router "join", host "server" },
    links = { { "client", wire {}, "edge" }, { "edge", wire {}, "left" }, { "edge", wire {}, "right" }, { "left", wire {}, "join" }, { "right", wire {}, "join" }, { "join", wire {}, "server" } },
  },
  run = function(net)
    net.edge:sysctl("net.ipv4.fib_multipath_hash_policy", 1)
    -- A router answers few probes a second to one address; the server too.
    for _, n in ipairs { net.edge, net.left, net.right, net.join, net.server } do n:sysctl("net.ipv4.icmp_ratelimit", 0) end
    net.edge:route { to = net.server.addr .. "/32", via = { "left", "right" }, spread = "flow" }
    local hops = net.client:traceroute { to = net.server, by = "udp", tries = 16, vary = true }
    expect(#hops[2].siblings):equals(2)
    local one = net.client:traceroute { to = net.server, by = "udp", tries = 8 }
    expect(#one[2].siblings, "one flow takes one way"):equals(1)
  end,
}

each("tcp-ping", function(net)
  net.server:listen(443)
  local got = net.client:tcp_ping { to = net.server, port = 443, count = 3 }
  for _, g in ipairs(got) do expect(g.error):is_nil() end
  expect(net.client:tcp_ping({ to = net.server, port = 444 })[1].error):equals "ECONNREFUSED"
end)

each("dns", function(net, ip)
  local names = net.server:dns { names = {
    ["api.test"] = net.far, ["alias.test"] = { cname = "api.test", to = net.far }, ["slow.test"] = { to = net.far, delay = "300ms" },
    ["gone.test"] = { code = "SERVFAIL" }, ["long.test"] = { to = net.far, truncate = true }, ["lie.test"] = ip == 4 and "192.0.2.1" or "2001:db8::1",
    ["silent.test"] = { drop = true } } }
  local function ask(name, o)
    o = o or {}
    o.name, o.at, o.ip = name, net.server, ip
    return net.client:resolve(o)
  end
  expect(ask "server"):equals(net.server.addr)
  expect(ask "api.test"):equals(net.far.addr)
  expect(ask "ALIAS.test."):equals(net.far.addr)
  expect(ask "lie.test"):equals(ip == 4 and "192.0.2.1" or "2001:db8::1")
  expect(select(2, ask "nowhere.test")):equals "NXDOMAIN"
  expect(select(2, ask "gone.test")):equals "SERVFAIL"
  local before = time.now()
  expect(ask "slow.test"):equals(net.far.addr)
  expect(time.now() - before):at_least(0.3)
  expect(ask "long.test"):equals(net.far.addr)
  expect(net.trace:at(net.client)):includes { from = net.server, tcp = "data", sport = 53 }
  expect(select(2, ask("silent.test", { attempt = "100ms" }))):equals "timeout"
  expect(net.trace:at(net.server)):includes { udp = true, dport = 53, payload = "silent", times = 2 }
  -- An answer that is lost once is asked for again.
  names:set("api.test", { drop = true, times = 1 })
  expect(ask("api.test", { attempt = "100ms" })):equals(net.far.addr)
  expect(#names:queries()):equals(14)
end)

each("programs-resolve", function(net, ip)
  -- Without a name server programs have one of their own, which is on no wire.
  local args = { "python3", "-c", "import socket; print(socket.getaddrinfo('server', 80)[0][4][0])", quiet = true, timeout = "40s" }
  expect(net.client:run(args).output):equals(net.server.addr .. "\n")
  expect(net.trace):never { udp = true }
  net.server:dns { names = { ["api.test"] = net.far } }
  args[3] = args[3]:gsub("server", "api.test")
  expect(net.client:run(args).output):equals(net.far.addr .. "\n")
  expect(net.trace):includes { from = net.client, udp = true, dport = 53 }
end, { timeout = "2m" })

each("udp", function(net)
  local s = net.server:udp { port = 53 }
  local c = net.client:udp { to = net.server, to_port = 53, ttl = 40, tos = 0x10 }
  c:send "hello"
  local m = s:receive()
  expect(m.data):equals "hello"
  expect(m.node):equals "client"
  expect(m.ttl):equals(38)
  expect(m.tos):equals(0x10)
  s:send("back", { to = net.client, port = m.port })
  expect(c:receive().data):equals "back"
  expect(select(2, c:receive { timeout = "50ms" })):equals "timeout"
  -- Nobody there: the next call fails, and the error queue says who said so.
  local nobody = net.client:udp { to = net.server, to_port = 54, recverr = true }
  nobody:send "?"
  local f = nobody:fault()
  expect(f.error):equals "ECONNREFUSED"
  expect(f.icmp):equals "port-unreachable"
  expect(f.node):equals "server"
  expect(net.server.counters.UdpNoPorts or net.server.counters.Udp6NoPorts):at_least(0)
end)

each("icmp", function(net, ip)
  local s = net.client:icmp { ip = ip }
  local echo = ip == 4 and hex "08 00 f7 fa 00 01 00 04" or hex "80 00 00 00 00 01 00 04"
  s:send(echo, { to = net.server })
  local m = s:receive()
  expect(m.data:byte(1)):equals(ip == 4 and 0 or 129)
  expect(m.node):equals "server"
end)
