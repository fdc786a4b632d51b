-- What a trace says of packets that a router filters, that go to a raw socket, and
-- that are sent several times: each is so.

local function each(name, topology, run)
  for _, ip in ipairs { 4, 6 } do
    scenario(name .. "-v" .. ip) { tags = { "trace" }, topology = topology(ip), run = function(net) run(net, ip) end }
  end
end

local function routed(ip) return path { host "client", wire {}, router "edge", wire {}, host "server", ip = ip } end
local function direct(ip) return path { host "client", wire {}, host "server", ip = ip } end

each("filtered-syn", routed, function(net)
  net.edge:drop { fwd = true, tcp = 53 }
  net.client:dial { to = net.server, port = 53, timeout = "2500ms" }
  expect(net.trace:at(net.client)):every { tcp = "rexmit", from = net.client }:has { original = "lost" }
  expect(net.trace:at(net.server)):never { tcp = "any" }
end)

-- Behind a translation the destination has another address.
each("filtered-syn-behind-dnat", routed, function(net)
  net.edge:dnat { tcp = 8080, to = net.server, port = 80 }
  net.edge:drop { fwd = true, tcp = 80 }
  net.client:dial { to = net.edge, port = 8080, timeout = "2500ms" }
  expect(net.trace:at(net.client)):includes { tcp = "rexmit", from = net.client }
  expect(net.trace):never { original = "arrived" }
  if net.evidence == "kernel" then
    expect(net.trace:at(net.client)):every { tcp = "rexmit", from = net.client }:has { original = "lost" }
  end
  expect(net.trace:at(net.server)):never { tcp = "any" }
end)

each("arrived-and-sent-again", routed, function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  -- The acknowledgements are lost, not the data.
  net.edge:drop { fwd = true, tcp = true, from = net.server, to = net.client }
  c:write "again and again"
  expect(s:read_until "again and again"):equals "again and again"
  expect(net.trace:at(net.client)):includes { tcp = "rexmit", from = net.client, original = "arrived" }
  expect(net.trace:at(net.client)):never { tcp = "rexmit", from = net.client, original = "lost" }
end)

each("answered-ping", direct, function(net)
  local p = net.client:ping { to = net.server, count = 2 }
  expect(p.received):equals(2)
  expect(net.trace):includes { icmp = "echo-reply" }
  expect(net.trace):never { icmp = "echo-reply", fault = true }
  expect(net.trace):never { icmp = "echo-reply", dropped = true }
  expect(net.trace):never { icmp = "echo-reply", kernel_drop = "NO_SOCKET" }
end)

-- Every packet too big has its reason, however often it is sent.
each("too-big", function(ip)
  return path { host "client", wire { delay = "5ms" }, router "left", wire { name = "tunnel", mtu = 1280 }, router "right", wire {}, host "server", ip = ip }
end, function(net, ip)
  net.right:drop { out = true, icmp = ip == 4 and "frag-needed" or "packet-too-big" }
  local site = net.server:tls { port = 443, size = 60000 }
  net.client:fetch { from = site, timeout = "2s" }
  local large = { from = net.server, tcp = "any", len = ">= 1300" }
  if net.evidence == "kernel" then
    expect(net.trace:at(net.right)):every(large):has { kernel_drop = "PKT_TOO_BIG" }
    expect(#net.right:events { kind = "drop", reason = "PKT_TOO_BIG" }):equals(net.trace:at(net.right):count(large))
  end
end)

-- A packet too big is acted on: the server sends smaller segments.
each("too-big-acted-on", function(ip)
  return path { host "client", wire { delay = "5ms" }, router "left", wire { name = "tunnel", mtu = 1280 }, router "right", wire {}, host "server", ip = ip }
end, function(net, ip)
  local message = ip == 4 and "frag-needed" or "packet-too-big"
  local site = net.server:tls { port = 443, size = 60000 }
  expect(net.client:fetch({ from = site }).bytes):equals(60000)
  expect(net.trace:at(net.server)):includes { icmp = message }
  for _, reason in ipairs { "NO_SOCKET", "ICMP_CSUM", "UNHANDLED_PROTO" } do
    expect(net.trace):never { icmp = message, kernel_drop = reason }
  end
end)

-- A reset that nobody's kernel sent is forged, though it looks like the answer to a packet: that packet arrived.
for _, flags in ipairs { "R", "R." } do
  for _, name in ipairs { "client", "server" } do
    each("forged-reset-" .. name .. (flags == "R" and "" or "-ack"), direct, function(net)
      local l = net.server:listen(80)
      local c = net.client:dial { to = l }
      local s = l:accept()
      c:write "hello\n"
      s:read_until "\n"
      s:write "abc"
      c:read()
      expect(net.trace:at(net.server)):includes { from = net.client, ack = 4 }
      net.client_server:inject { conn = c, toward = net[name], flags = flags }
      expect(net.trace):includes { tcp = "rst", rst = { kind = "forged", cause = "injected" } }
      expect(net.trace):never { rst = { kind = "firewall" } }
    end)
  end
end

-- What a router cuts into fragments is joined again wherever it was seen: nothing was sent twice, and nothing is
-- translated.
local function narrow()
  return path { host "client", wire { delay = "2ms" }, router "left", wire { name = "lan", mtu = 1000 }, router "right", wire {}, host "server" }
end

for _, drops in ipairs { "nothing", "first", "last" } do
  scenario("fragmented-" .. drops) { topology = narrow(), run = function(net)
    net.client:sysctl("net.ipv4.ip_no_pmtu_disc", 1)
    local l = net.server:listen(80)
    local c = net.client:dial { to = l }
    local s = l:accept()
    if drops == "first" then net.lan:drop { from = net.client, mf = true, frag_offset = 0, nth = 1 } end
    if drops == "last" then net.lan:drop { from = net.client, mf = false, frag_offset = ">= 1", nth = 1 } end
    c:write(("q"):rep(1448))
    expect(#s:read_until(("q"):rep(1448))):equals(1448)
    local again = drops == "nothing" and 0 or 1
    expect(net.trace):lossless()
    expect(net.trace:at(net.client)):exactly(again, { tcp = "rexmit", original = "lost" })
    expect(net.trace:at(net.client)):exactly(again, { tcp = "rexmit" })
    expect(net.trace):never { tcp = "rexmit", original = "arrived" }
  end }
end

-- A connection is one on both sides of a NAT.
scenario "conn-behind-nat" {
  topology = path { host "client", wire {}, router "r", wire { name = "lan" }, host "server" },
  run = function(net)
    net.r:masquerade { oif = net.lan, tcp = true, port = 5000 }
    local lost = net.lan:drop { from = net.server, tcp = "data", nth = 2 }
    local got = net.client:fetch { from = net.server:serve { port = 80, body = ("x"):rep(20000) } }
    expect(got.bytes):equals(20000)
    expect(net.trace:at(net.server)):includes { conn = got, tcp = "rexmit", seq = lost.seq }
    expect(net.trace:at(net.server):conn(got)):includes { tcp = "rexmit", seq = lost.seq }
    expect(net.trace:at(net.client):conn(got)):includes { tcp = "syn" }
    expect(net.trace:at(net.server):conn(got)):flows { from = net.server, longer = "3s" }
  end,
}

-- What is sent again for nothing: the one before was only late. The capture says so too.
each("late", direct, function(net)
  net.client_server:delay { by = "400ms", from = net.server, tcp = "data", nth = 1 }
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  l:accept():write(("x"):rep(600))
  expect(#c:read()):equals(600)
  expect(net.trace:at(net.server)):includes { tcp = "ack", sack = true }
  expect(net.trace:at(net.server)):includes { tcp = "rexmit", original = "arrived" }
  expect(net.trace):never { original = "lost" }
end)
