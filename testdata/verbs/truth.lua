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
