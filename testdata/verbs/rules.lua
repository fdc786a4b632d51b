-- Rules of nodes: filters, address translation, connection tracking, routes.

local function lab(ip) return path { host "client", wire { name = "wan" }, router "edge", wire { name = "lan" }, host "server", ip = ip } end

local function each(name, run)
  for _, ip in ipairs { 4, 6 } do
    scenario("rule-" .. name .. "-v" .. ip) {
      tags = { "rule" }, needs = { "nftables", "conntrack" }, topology = lab(ip),
      run = function(net) run(net, net.edge, net.client, net.server, ip) end,
    }
  end
end

each("drop", function(net, edge, client, server)
  local d = edge:drop { fwd = true, tcp = 81 }
  local _, err = client:dial { to = server, port = 81, timeout = "200ms" }
  expect(err):equals "timeout"
  expect(d.hits):at_least(1)
  expect(net.trace:at(net.server)):never { port = 81 }
  d:disarm()
  local _, err = client:dial { to = server, port = 81, timeout = "2s" }
  expect(err):equals "ECONNREFUSED"
end)

each("drop-in-and-out", function(net, edge, client, server)
  local came = server:drop { ["in"] = true, tcp = 81 }
  local _, err = client:dial { to = server, port = 81, timeout = "200ms" }
  expect(err):equals "timeout"
  expect(came.hits):at_least(1)
  expect(net.trace:at(server)):includes { tcp = "syn", dport = 81 }
  local left = client:drop { out = true, tcp = 82 }
  local _, err = client:dial { to = server, port = 82, timeout = "200ms" }
  expect(err):equals "timeout"
  expect(left.hits):at_least(1)
  expect(net.trace):never { dport = 82 }
end)

each("flags", function(net, edge, client, server)
  local second = edge:accept { fwd = true, tcp = true, sport = 80, flags = "S." }
  local l = server:listen(80)
  client:dial { to = l }
  l:accept()
  expect(second.hits):equals(1)
end)

-- Each answer of reject, and the errno that the client gets for it.
for answer, errno in pairs {
  ["tcp-reset"] = { "ECONNREFUSED", "ECONNREFUSED" },
  ["net-unreachable"] = { "ENETUNREACH", "ENETUNREACH" },
  ["host-unreachable"] = { "EHOSTUNREACH", "EHOSTUNREACH" },
  ["proto-unreachable"] = { "ENOPROTOOPT" },
  ["port-unreachable"] = { "ECONNREFUSED", "ECONNREFUSED" },
  ["net-prohibited"] = { "ENETUNREACH" },
  ["host-prohibited"] = { "EHOSTUNREACH" },
  ["admin-prohibited"] = { "EHOSTUNREACH", "EACCES" },
} do
  each("reject-" .. answer, function(net, edge, client, server, ip)
    local want = errno[ip == 4 and 1 or 2]
    if not want then return end -- this version has no such code
    local r = edge:reject { fwd = true, tcp = 81, with = answer }
    local _, err = client:dial { to = server, port = 81, timeout = "3s" }
    expect(err):equals(want)
    expect(r.hits):equals(1)
    if answer == "tcp-reset" then
      expect(net.trace:at(net.client)):includes { flags = "R.", ack = 1 }
    else
      expect(net.trace:at(net.client)):includes { icmp = answer, from = edge }
    end
  end)
end

each("accept", function(net, edge, client, server)
  local yes = edge:accept { fwd = true, tcp = 80, from = client }
  local no = edge:drop { fwd = true, tcp = 80, optional = true }
  local l = server:listen(80)
  expect(client:dial { to = l }.peer.port):equals(80)
  expect(yes.hits):at_least(1)
  expect(no.hits):equals(0)
end)

each("redirect", function(net, edge, client, server)
  local l = edge:listen(8443)
  local r = edge:redirect { tcp = 443, to = 8443 }
  expect(client:dial { to = server, port = 443 }.peer.addr):equals(server.addr)
  expect(l:accept().here.port):equals(8443)
  expect(r.hits):equals(1)
  expect(net.trace:at(server)):never { tcp = "syn" }
end)

each("dnat", function(net, edge, client, server)
  local l = server:listen(8080)
  edge:dnat { tcp = 80, dst = edge, to = server, port = 8080 }
  local c = client:dial { to = edge, port = 80 }
  expect(l:accept().peer.addr):equals(client.addr)
  expect(c.peer.addr):equals(edge.addr)
  expect(net.trace:at(client)):every { from = client, tcp = "syn" }:has { dport = 80 }
  expect(net.trace:at(server)):every { from = client, tcp = "syn" }:has { dport = 8080 }
end)

each("snat", function(net, edge, client, server, ip)
  local to = ip == 4 and "10.0.2.77" or "fd00:0:0:2::77"
  -- The address is the gateway's own, so that answers find it.
  local l = server:listen(80)
  edge:snat { oif = net.lan, to = to, tcp = true, port = "6000-6010" }
  server:route { to = to, via = "edge" }
  local t = client:dial { to = l }
  local peer = l:accept().peer
  expect(peer.addr):equals(to)
  expect(peer.port):between(6000, 6010)
end)

each("masquerade", function(net, edge, client, server)
  local l = server:listen(80)
  local m = edge:masquerade { oif = net.lan, tcp = true, port = 5000 }
  client:dial { to = l }
  local peer = l:accept().peer
  expect(peer.port):equals(5000)
  expect(net.trace:at(server)):every { tcp = "syn" }:has { sport = 5000, from = edge }
  expect(m.hits):equals(1)
end)

each("clamp", function(net, edge, client, server)
  edge:clamp_mss(900)
  local file = server:serve { port = 80, body = ("x"):rep(5000) }
  expect(client:fetch { from = file }.bytes):equals(5000)
  expect(net.trace:at(server)):includes { tcp = "syn", mss = 900 }
  expect(net.trace:at(client)):includes { tcp = "synack", mss = 900 }
end)

each("state-flags-and-counts", function(net, edge, client, server)
  local new = edge:rule("forward", "ct state new counter")
  local old = edge:rule("forward", "ct state { established, related } counter")
  local syn = edge:rule("forward", "tcp flags & (syn|ack) == syn counter")
  local exact = edge:drop { fwd = true, tcp = 80, flags = "SF", optional = true }
  local third = edge:rule("forward", "tcp dport 80 numgen inc mod 3 0 counter")
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  c:write "hello"
  s:read()
  expect(new.hits):equals(1)
  expect(syn.hits):equals(1)
  expect(old.hits):at_least(3)
  expect(exact.hits):equals(0)
  expect(third.hits):at_least(1)
end)

each("rate", function(net, edge, client, server)
  local over = edge:drop { fwd = true, udp = true, over = "1/minute" }
  for i = 1, 20 do
    net.wan:inject { toward = edge, src = client.addr, dst = server.addr, udp = true, sport = 5000, dport = 6000 + i, payload = "x" }
  end
  -- Five are let through at once, as nft(8) has it.
  expect(net.trace:at(server):count { udp = true, dport = 6001 }):equals(1)
  expect(over.hits):equals(15)
end)

each("rate-and-every", function(net, edge, client, server)
  local third = edge:drop { fwd = true, udp = true, every = 3 }
  local few = edge:accept { fwd = true, udp = true, rate = "1/minute" }
  local rest = edge:drop { fwd = true, udp = true }
  for i = 1, 12 do
    net.wan:inject { toward = edge, src = client.addr, dst = server.addr, udp = true, sport = 5000, dport = 6000 + i, payload = "x" }
  end
  expect(net.trace:at(server):count { udp = true }):equals(5)
  expect(third.hits):equals(4)
  expect(few.hits):equals(5)
  expect(rest.hits):equals(3)
end)

each("devices-marks-and-sizes", function(net, edge, client, server)
  local came = edge:rule("forward", 'iifname "eth0" oifname "eth1" counter')
  local marked = edge:mark { set = 7, tcp = 80, iif = net.wan }
  local seen = edge:accept { fwd = true, mark = 7 }
  local long = edge:accept { fwd = true, size = ">= 1000", optional = true, from = server }
  local file = server:serve { port = 80, body = ("x"):rep(5000) }
  expect(client:fetch { from = file }.bytes):equals(5000)
  expect(net.trace):lossless() -- everything has arrived
  expect(came.hits):at_least(3)
  expect(seen.hits):equals(marked.hits)
  expect(long.hits):at_least(3)
end)

each("notrack", function(net, edge, client, server)
  edge:track {}
  local l = server:listen(80)
  client:dial { to = l }
  l:accept() -- the handshake's last packet has passed too: it would be tracked anew
  expect(#edge:tracked { proto = "tcp" }):equals(1)
  edge:forget()
  expect(#edge:tracked()):equals(0)
  edge:notrack { tcp = 81 }
  edge:notrack { tcp = true, sport = 81 }
  local _, err = client:dial { to = server, port = 81 }
  expect(err):equals "ECONNREFUSED"
  expect(#edge:tracked { dport = 81 }):equals(0)
end)

each("zones", function(net, edge, client, server)
  edge:zone { id = 5, iif = net.wan }
  edge:zone { id = 5, iif = net.lan }
  edge:track {}
  local l = server:listen(80)
  client:dial { to = l }
  expect(edge:conntrack { dport = 80 }.zone):equals(5)
end)

each("timeouts-and-states", function(net, edge, client, server)
  edge:track { timeouts = { established = "77s", time_wait = "3s" } }
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  expect(edge:conntrack { dport = 80 }.state):equals "ESTABLISHED"
  expect(edge:conntrack { dport = 80, state = "ESTABLISHED" }.timeout):between(60, 77)
  s:close()
  c:read_all()
  expect(net.trace:at(server)):includes { from = client, tcp = "ack", ack = 2 } -- before a FIN of its own
  c:close()
  expect(net.trace):never { tcp = "rst" }
  expect(edge:conntrack { dport = 80 }.state):equals "TIME_WAIT"
end)

each("invalid-and-liberal", function(net, edge, client, server)
  local invalid = edge:drop { fwd = true, ct = "invalid", tcp = 80 }
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  c:write "hello"
  s:read()
  local function stray() net.wan:inject { conn = c, from = client, toward = edge, flags = "P.", seq = c.snd_next + 200000000, payload = "stray" } end
  stray()
  expect(net.trace:at(server)):never { payload = "stray" }
  expect(invalid.hits):equals(1)
  edge:track { be_liberal = true }
  stray()
  expect(net.trace:at(server)):includes { payload = "stray" }
  expect(invalid.hits):equals(1)
end)

each("ttl-and-dscp", function(net, edge, client, server, ip)
  local field = ip == 4 and "ip" or "ip6"
  edge:rule("forward", "tcp dport 80 " .. field .. " dscp set ef")
  edge:rule("forward", "tcp dport 80 " .. (ip == 4 and "ip ttl set 9" or "ip6 hoplimit set 9"))
  local match = edge:rule("postrouting", field .. " dscp ef " .. (ip == 4 and "ip ttl 9" or "ip6 hoplimit 9") .. " counter")
  local l = server:listen(80)
  expect(client:dial { to = l }.peer.port):equals(80)
  expect(net.trace:at(server)):includes { tcp = "syn", dscp = 46, ttl = 9 }
  expect(match.hits):at_least(1)
end)

each("route-kinds", function(net, edge, client, server, ip)
  local all = ip == 4 and 32 or 128
  edge:route { to = server.addr, kind = "unreachable" }
  local _, err = client:dial { to = server, port = 80, timeout = "3s" }
  expect(err):equals(ip == 4 and "EHOSTUNREACH" or "ENETUNREACH")
  edge:route { to = server.addr, kind = "prohibit" }
  local _, err = client:dial { to = server, port = 80, timeout = "3s" }
  expect(err):equals(ip == 4 and "EHOSTUNREACH" or "EACCES")
  edge:route { to = server.addr, kind = "blackhole" }
  local _, err = client:dial { to = server, port = 80, timeout = "200ms" }
  expect(err):equals "timeout"
  edge:route { to = server.addr, delete = true }
  local _, err = client:dial { to = server, port = 80, timeout = "3s" }
  expect(err):equals "ECONNREFUSED"
end)

each("policy-by-source-and-device", function(net, edge, client, server, ip)
  local all = ip == 4 and "/32" or "/128"
  edge:route { to = server.addr, kind = "blackhole", table = 100 }
  edge:policy { from = client.addr .. all, iif = net.wan, table = 100, priority = 50 }
  local _, err = client:dial { to = server, port = 80, timeout = "200ms" }
  expect(err):equals "timeout"
  -- What the router sends itself did not come by that wire.
  local _, err = edge:dial { to = server, port = 80, timeout = "3s" }
  expect(err):equals "ECONNREFUSED"
end)

each("route-mtu", function(net, edge, client, server, ip)
  server:route { to = "default", via = "edge", mtu = 1300 }
  local file = server:serve { port = 80, body = ("x"):rep(5000) }
  expect(client:fetch { from = file }.bytes):equals(5000)
  expect(net.trace:at(server)):every { from = server, tcp = "any" }:has { ip_len = "1..1300" }
end)

for _, ip in ipairs { 4, 6 } do
  local there = ip == 4 and "10.0.6.0/24" or "fd00:0:0:6::/64"
  local function fork() return graph {
    ip = ip, nodes = { host "client", router "fork", router "left", router "right", router "join", host "server" },
    links = {
      { "client", wire {}, "fork" }, { "fork", wire { name = "l1" }, "left" }, { "fork", wire { name = "r1" }, "right" },
      { "left", wire {}, "join" }, { "right", wire {}, "join" }, { "join", wire {}, "server" },
    },
  } end

  scenario("rule-ecmp-v" .. ip) {
    needs = { "nftables" }, topology = fork(),
    run = function(net)
      local l = net.server:listen(80)
      local function syns(node) return net.trace:at(node):count { tcp = "syn", toward = node } end

      step "each connection goes its way"
      net.fork:route { to = there, via = { "left", "right" }, spread = "flow" }
      for _ = 1, 24 do net.client:dial { to = l } end
      local left, right = syns(net.left), syns(net.right)
      expect(left + right):equals(24)
      expect(left):between(1, 23)

      step "each packet goes its way"
      net.fork:route { to = there, via = { "left", "right" }, spread = "packet" }
      local c = net.client:dial { to = l }
      local s = l:accept()
      c:write "hello"
      local mine = net.trace:conn(c)
      expect(mine:at(net.left)):includes { from = net.client }
      expect(mine:at(net.right)):includes { from = net.client }
    end,
  }

  scenario("rule-policy-v" .. ip) {
    needs = { "nftables" }, topology = fork(),
    run = function(net)
      net.fork:route { to = there, via = "left" }
      net.fork:route { to = there, via = "right", table = 100 }
      net.fork:mark { set = 5, tcp = 81 }
      net.fork:policy { mark = 5, table = 100 }
      local a, b = net.server:listen(80), net.server:listen(81)
      expect(net.client:dial { to = a }.peer.port):equals(80)
      expect(net.client:dial { to = b }.peer.port):equals(81)
      expect(net.trace:at(net.left)):never { dport = 81 }
      expect(net.trace:at(net.right)):never { dport = 80 }
      expect(net.trace:at(net.right)):includes { dport = 81 }
    end,
  }
end
