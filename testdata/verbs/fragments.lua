-- Fragments of IP (RFC 791; RFC 8200, section 4.5): a datagram that is larger
-- than the MTU, and what faults on one of its fragments make of it.

local function each(name, run, ips)
  for _, ip in ipairs(ips or { 4, 6 }) do
    scenario("fragments-" .. name .. "-v" .. ip) {
      tags = { "fault" },
      topology = path { host "client", wire { name = "wan" }, router "edge", wire { name = "lan" }, host "server", ip = ip },
      run = function(net) run(net, ip) end,
    }
  end
end

-- Of 4000 bytes and a UDP header there are three fragments. Where the second and
-- the third begin, in units of 8 bytes: what fits 1500 bytes behind the headers.
local function begins(ip) return ip == 4 and { 0, 185, 370 } or { 0, 181, 362 } end

local message = ("x"):rep(3000) .. ("y"):rep(1000)

local function open(net) return net.client:udp {}, net.server:udp { port = 53 } end

-- arrives sends the message and expects it whole.
local function arrives(net, from, to)
  from:send(message, { to = net.server, port = 53 })
  local m, err = to:receive { timeout = "5s" }
  expect(err):is_nil()
  expect(m.data == message, "the datagram is what was sent"):is_true()
  return m
end

local function vanishes(net, from, to)
  from:send(message, { to = net.server, port = 53 })
  local _, err = to:receive { timeout = "100ms" }
  expect(err):equals "timeout"
end

each("pass", function(net, ip)
  local hits = {}
  for i, at in ipairs(begins(ip)) do hits[i] = net.wan:duplicate { proto = "udp", frag_offset = at, gap = "0ms" } end
  local more = net.lan:duplicate { proto = "udp", mf = true, gap = "0ms" }
  local last = net.lan:duplicate { proto = "udp", mf = false, gap = "0ms" }
  local from, to = open(net)
  arrives(net, from, to)
  for i, at in ipairs(begins(ip)) do
    expect(hits[i].hits, "fragment " .. i):equals(1)
    expect(net.trace:at(net.client)):exactly(1, { frag_offset = at, mf = i < 3 })
    expect(net.trace:at(net.server)):includes { frag_offset = at, mf = i < 3, dropped = false }
  end
  -- Each was doubled before the router: reassembly takes the first of each.
  expect(more.hits):equals(4)
  expect(last.hits):equals(2)
  expect(net.trace:at(net.client)):never { frag_offset = ">= 371" }
end)

for i = 1, 3 do
  each("drop-" .. i, function(net, ip)
    local at = begins(ip)
    local lost = net.wan:drop { proto = "udp", frag_offset = at[i], times = 1 }
    local from, to = open(net)
    vanishes(net, from, to)
    expect(lost.hits):equals(1)
    expect(net.trace:at(net.client)):exactly(1, { proto = "udp", dropped = true })
    expect(net.trace:at(net.client)):exactly(1, { frag_offset = at[i], dropped = true })
    -- The two others arrive, to no avail.
    expect(net.trace:at(net.server)):exactly(2, { proto = "udp" })
    expect(net.trace:at(net.server)):never { frag_offset = at[i] }
    lost:disarm()
    arrives(net, from, to)
  end)
end

each("hold", function(net, ip)
  local held = net.wan:hold { proto = "udp", mf = true }
  local from, to = open(net)
  from:send(message, { to = net.server, port = 53 })
  expect(held:wait(2)):is_true()
  expect(net.trace:at(net.server)):exactly(1, { proto = "udp", mf = false })
  -- The last, the second, the first.
  held:release { 2, 1 }
  expect(to:receive({ timeout = "5s" }).data == message):is_true()
  local at = begins(ip)
  expect(net.trace:at(net.server)):sequence { { frag_offset = at[3] }, { frag_offset = at[2] }, { frag_offset = at[1] } }
end)

each("rewrite-mf", function(net, ip)
  local at = begins(ip)
  -- What ends the datagram says that more comes: it is never whole.
  local changed = net.wan:rewrite { proto = "udp", frag_offset = at[3], mf = false, set = { mf = true } }
  local from, to = open(net)
  vanishes(net, from, to)
  expect(changed.hits):equals(1)
  expect(net.trace:at(net.client)):exactly(1, { frag_offset = at[3], mf = false, fault = true })
  -- The router has taken it: the header's checksum is right.
  expect(net.trace:at(net.server)):exactly(1, { frag_offset = at[3], mf = true, dropped = false })
  -- Taken back behind the router, it is whole again.
  net.lan:rewrite { proto = "udp", frag_offset = at[3], set = { mf = false } }
  arrives(net, from, to)
end)

each("rewrite-offset", function(net, ip)
  local at = begins(ip)
  local there = net.wan:rewrite { proto = "udp", frag_offset = at[2], set = { frag_offset = "+8" } }
  local back = net.lan:rewrite { proto = "udp", frag_offset = at[2] + 8, set = { frag_offset = at[2] } }
  local from, to = open(net)
  arrives(net, from, to)
  expect(there.hits):equals(1)
  expect(back.hits):equals(1)
  expect(net.trace:at(net.edge)):exactly(1, { from = net.client, frag_offset = at[2] + 8, mf = true, dropped = false, toward = net.edge })
  expect(net.trace:at(net.server)):exactly(1, { frag_offset = at[2], mf = true, dropped = false })
  back:disarm()
  vanishes(net, from, to)
end)

each("rewrite-others", function(net, ip)
  -- Of the first the UDP checksum covers what is in the other two.
  net.lan:rewrite { proto = "udp", set = { ttl = 9, dscp = 46 } }
  net.lan:rewrite { dport = 53, set = { dport = 54 } }
  local from, to = net.client:udp {}, net.server:udp { port = 54 }
  local m = arrives(net, from, to)
  expect(m.ttl):equals(9)
  expect(m.tos):equals(46 * 4)
  expect(net.trace:at(net.server)):exactly(3, { proto = "udp", ttl = 9, dscp = 46, dropped = false })
  expect(net.trace:at(net.server)):exactly(1, { dport = 54 })
end)

each("corrupt", function(net, ip)
  -- Only the whole has a checksum: no fragment is refused for it, and nothing comes.
  local bad = net.wan:corrupt { proto = "udp", frag_offset = begins(ip)[2], byte = 100, xor = 1, times = 1, layer = "ip" }
  local from, to = open(net)
  vanishes(net, from, to)
  expect(bad.hits):equals(1)
  expect(net.trace:at(net.server)):exactly(3, { proto = "udp", dropped = false })
  arrives(net, from, to)
end)

-- Where the next wire is narrower a router makes the fragments, if it may.
local function narrow(name, ip, run)
  scenario("fragments-" .. name .. "-v" .. ip) {
    tags = { "fault" },
    topology = path { host "client", wire { name = "wan" }, router "edge", wire { name = "lan", mtu = 1300 }, host "server", ip = ip },
    run = run,
  }
end

narrow("of-a-router", 4, function(net)
  local from, to = net.client:udp { mtu_discover = "dont" }, net.server:udp { port = 53 }
  local lost = net.lan:drop { proto = "udp", mf = false, frag_offset = ">= 1", times = 1 }
  local short = ("x"):rep(1400)
  from:send(short, { to = net.server, port = 53 })
  local _, err = to:receive { timeout = "100ms" }
  expect(err):equals "timeout"
  expect(lost.hits):equals(1)
  -- 1276 bytes are what is left of 1300 behind the header, in units of 8.
  expect(net.trace:at(net.client)):exactly(1, { proto = "udp", df = false, mf = false, frag_offset = 0 })
  expect(net.trace:at(net.server)):exactly(1, { proto = "udp", mf = true, frag_offset = 0, ip_len = 1300 })
  from:send(short, { to = net.server, port = 53 })
  expect(to:receive({ timeout = "5s" }).data == short):is_true()
  expect(net.trace:at(net.server)):exactly(1, { proto = "udp", mf = false, frag_offset = 160 })
end)

narrow("no-router-makes", 6, function(net)
  local from, to = net.client:udp { to = net.server, to_port = 53, recverr = true }, net.server:udp { port = 53 }
  local short = ("x"):rep(1400)
  from:send(short)
  expect(from:fault({ timeout = "5s" }).mtu):equals(1300)
  expect(net.trace:at(net.client)):includes { icmp = "packet-too-big", from = net.edge }
  expect(net.trace:at(net.server)):never { proto = "udp" }
  -- The client has been told, and makes them itself.
  expect(from:send(short)):is_true()
  expect(to:receive({ timeout = "5s" }).data == short):is_true()
  expect(net.trace:at(net.client)):exactly(1, { proto = "udp", mf = true, frag_offset = 0 })
  expect(net.trace:at(net.server)):exactly(1, { proto = "udp", mf = false, frag_offset = ">= 1" })
end)
