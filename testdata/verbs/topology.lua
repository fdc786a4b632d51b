-- What a topology can be made of.

local function fetch(a, b, o)
  local file = b:serve { port = 80, body = ("x"):rep(6000) }
  local got = a:fetch { from = file, timeout = "5s", ip = o and o.ip }
  expect(got.bytes):equals(6000)
  return got
end

-- quiet expects that nothing but what the script wanted is on the wires.
local function quiet(net)
  expect(net.trace):never { ether_type = 0x0806 }
  expect(net.trace):never { proto = "icmpv6" }
  expect(net.trace):lossless()
end

for _, ip in ipairs { 4, 6, "dual" } do
  local v = "-v" .. ip

  scenario("line" .. v) {
    topology = path { host "a", wire {}, router "r", wire {}, router "q", wire {}, host "b", ip = ip },
    run = function(net)
      fetch(net.a, net.b)
      expect(net.trace:at(net.b)):includes { tcp = "syn", ttl = 62 }
      quiet(net)
    end,
  }

  scenario("switch" .. v) {
    topology = graph {
      ip = ip, nodes = { host "a", host "b", host "c", switch "lan" },
      links = { { "a", wire { name = "wa" }, "lan" }, { "b", wire { name = "wb" }, "lan" }, { "lan", wire { name = "wc" }, "c" } },
    },
    run = function(net)
      fetch(net.a, net.b)
      -- The first frame is for a MAC address that the switch has not learned yet.
      expect(net.trace:at(net.c)):exactly(1, { tcp = "syn" })
      expect(net.trace:at(net.c)):never { from = net.b }
      local learned = {}
      for _, e in ipairs(net.lan:fdb()) do learned[e.mac] = e.wire end
      expect(learned["02:00:00:00:01:01"]):equals "wa"
      expect(learned["02:00:00:00:02:01"]):equals "wb"
      net.lan:forget()
      expect(#net.lan:fdb()):equals(0)
      expect(net.trace):never { ether_type = 0x0806 }
      expect(net.trace):never { proto = "icmpv6" }
    end,
  }

  scenario("a-mac-moves" .. v) {
    topology = graph {
      ip = ip, nodes = { host "a", host "b", host "c", switch "lan" },
      links = { { "a", wire { name = "wa" }, "lan" }, { "b", wire { name = "wb" }, "lan" }, { "lan", wire { name = "wc" }, "c" } },
    },
    run = function(net)
      local l = net.b:listen(80)
      local conn = net.a:dial { to = l }
      local s = l:accept()
      local syn = net.trace:at(net.a):packets { tcp = "syn" }[1]
      -- A frame with a's address comes from where c is: what is for a goes there.
      net.wc:inject { packet = syn, toward = net.lan, set = { src_mac = syn.src_mac } }
      local where
      for _, e in ipairs(net.lan:fdb()) do if e.mac == syn.src_mac then where = e.wire end end
      expect(where):equals "wc"
      s:write "lost"
      expect(conn:read { timeout = "100ms" }):equals ""
      expect(net.trace:at(net.c)):includes { from = net.b, payload = "lost" }
      -- As soon as a says something the switch knows better.
      conn:write "here"
      expect(conn:read()):equals "lost"
    end,
  }

  scenario("vlans" .. v) {
    topology = graph {
      ip = ip, nodes = { host "a", host "b", host "c", host "d", switch "s1", switch "s2", router "r" },
      links = {
        { "a", wire { vlan = 10 }, "s1" }, { "c", wire { vlan = 20 }, "s1" },
        { "b", wire { vlan = 10 }, "s2" }, { "d", wire { vlan = 20 }, "s2" },
        { "s1", wire { name = "trunk", trunk = { 10, 20 } }, "s2" },
        { "s1", wire { name = "stick", trunk = { 10, 20 } }, "r" },
      },
    },
    run = function(net)
      fetch(net.a, net.b)
      expect(net.trace):includes { tcp = "syn", vlan = 10, to = net.b }
      expect(net.trace):never { vlan = 20 }
      expect(net.trace:at(net.c)):never { tcp = "any" }
      step "between VLANs, over the router"
      local l = net.d:listen(81)
      expect(net.a:dial { to = l, timeout = "2s" }.peer.port):equals(81)
      expect(net.trace):includes { tcp = "syn", dport = 81, vlan = 10, ttl = 64 }
      expect(net.trace):includes { tcp = "syn", dport = 81, vlan = 20, ttl = 63 }
    end,
  }

  scenario("two-wires" .. v) {
    topology = graph {
      ip = ip, nodes = { host "a", host "b" },
      links = { { "a", wire { name = "one" }, "b" }, { "a", wire { name = "two" }, "b" } },
    },
    run = function(net)
      local l = net.b:listen(80)
      local addrs = net.b.addrs
      -- Its addresses come wire by wire, IPv4 before IPv6.
      local first, second = addrs[1], addrs[#addrs]
      net.a:dial { to = l, to_addr = first }
      net.a:dial { to = l, to_addr = second }
      expect(net.trace:tcp { tcp = "syn", dst = first }):every {}:has { src_mac = "02:00:00:00:01:01" }
      expect(net.trace:tcp { tcp = "syn", dst = second }):every {}:has { src_mac = "02:00:00:00:02:01" }
      quiet(net)
    end,
  }

  scenario("vxlan" .. v) {
    topology = path {
      host "a", wire {}, router "left", wire { name = "u1" }, router "core", wire { name = "u2" }, router "right", wire {}, host "b",
      ip = ip, tunnels = { tunnel { "vxlan", between = { "left", "right" }, id = 42 } },
    },
    run = function(net)
      fetch(net.a, net.b)
      -- Two hops, not three: the one in between sees the tunnel alone.
      expect(net.trace:at(net.b)):includes { tcp = "syn", ttl = 62 }
      expect(net.trace:at(net.core)):every { tcp = "syn" }:has { size = ">= 120" }
      expect(net.trace):never { icmp = "neighbor-solicit" }
    end,
  }
end

scenario "several-addresses" {
  topology = path {
    host "a", wire {}, router "r", wire {},
    host { "b", addr = { "192.0.2.10/24", "192.0.2.11/24", "198.51.100.7/32" } },
  },
  run = function(net)
    local l = net.b:listen(80)
    for _, a in ipairs { "192.0.2.10", "192.0.2.11", "198.51.100.7" } do
      local c, err = net.a:dial { to = l, to_addr = a, timeout = "2s" }
      expect(err, a):is_nil()
      expect(l:accept().here.addr):equals(a)
    end
    expect(#net.b.addrs):equals(3)
    net.b:dial { to = net.a, port = 99, from_addr = "198.51.100.7", timeout = "1s" }
    expect(net.trace:at(net.a)):includes { tcp = "syn", src = "198.51.100.7" }
    expect(net.trace):never { ether_type = 0x0806 }
  end,
}

-- Packets of one connection go one way and come back another.
scenario "asymmetric" {
  topology = graph {
    nodes = { host "a", router "near", router "up", router "down", router "far", host "b" },
    links = {
      { "a", wire {}, "near" }, { "near", wire { name = "u1" }, "up" }, { "up", wire { name = "u2" }, "far" },
      { "near", wire { name = "d1" }, "down" }, { "down", wire { name = "d2" }, "far" }, { "far", wire {}, "b" },
    },
  },
  run = function(net)
    net.near:route { to = "10.0.6.0/24", via = "up" }
    net.far:route { to = "10.0.1.0/24", via = "down" }
    fetch(net.a, net.b)
    expect(net.trace:at(net.up)):every { tcp = "any" }:has { from = net.a }
    expect(net.trace:at(net.down)):every { tcp = "any" }:has { from = net.b }
  end,
}

-- What a route tells TCP.
scenario "route-metrics" {
  topology = path { host "a", wire { name = "w" }, host "b" },
  timeout = "15s",
  run = function(net)
    local a, b = net.a, net.b
    a:route { to = b.addr .. "/32", via = "b", advmss = 900, initrwnd = 4, rto_min = "1s" }
    b:route { to = a.addr .. "/32", via = "a", initcwnd = 2, quickack = true, congestion = "reno" }
    local l = b:listen(80)
    local conn = a:dial { to = l }
    local peer = l:accept()
    expect(net.trace):includes { from = a, tcp = "syn", mss = 900 }

    local lost = net.w:drop { from = a, payload = "lost", nth = 1 }
    conn:write "lost"
    expect(peer:read_until "lost"):equals "lost"
    expect(lost.hits):equals(1)
    local again = net.trace:packets { from = a, payload = "lost" }
    expect(again[#again].time - again[1].time):at_least(0.9)

    -- Two segments at first, and a probe, though there is more to send.
    local held = net.w:hold { from = a, tcp = "ack" }
    peer:write(("x"):rep(9000))
    held:wait(2)
    local new = {}
    for _, p in ipairs(net.trace:at(b):packets { from = b, len = 888 }) do new[p.seq] = true end
    local sent = 0
    for _ in pairs(new) do sent = sent + 1 end
    expect(sent):at_most(3)
    held:release()
    held:disarm()
    peer:close()
    expect(#conn:read_all()):equals(9000)
  end,
}
