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

for _, how in ipairs { "random", "fully_random" } do
  each("masquerade-" .. how, function(net, edge, client, server)
    local m = edge:masquerade { oif = net.lan, tcp = true, [how] = true }
    local l = server:listen(80)
    local kept = 0
    for _ = 1, 3 do
      local c = client:dial { to = l }
      local peer = l:accept().peer
      expect(peer.addr):equals(edge.addrs[edge.addrs[2] and 2 or 1])
      expect(peer.port):between(1024, 65535)
      if peer.port == c.here.port then kept = kept + 1 end
    end
    -- Without it each would keep its port.
    expect(kept):less_than(3)
    expect(m.hits):equals(3)
  end)
end

each("dnat-to-a-range", function(net, edge, client, server)
  local d = edge:dnat { tcp = 80, dst = edge, to = server, port = "8080-8082" }
  local c, err = client:dial { to = edge, port = 80, timeout = "3s" }
  expect(err):equals "ECONNREFUSED"
  expect(d.hits):equals(1)
  local syn = net.trace:at(server):packets { from = client, tcp = "syn" }
  expect(#syn):equals(1)
  expect(syn[1].dport):between(8080, 8082)
  expect(net.trace:at(client)):every { from = client, tcp = "syn" }:has { dport = 80 }
end)

each("loose", function(net, edge, client, server)
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  -- The connection is older than what tracks it.
  edge:track { loose = false }
  local invalid = edge:drop { fwd = true, ct = "invalid", tcp = 80 }
  c:write "picked up"
  expect(s:read { timeout = "100ms" }):equals ""
  expect(invalid.hits):at_least(1)
  expect(net.trace:at(server)):never { payload = "picked up" }
  edge:track { loose = true }
  expect(s:read { timeout = "9s" }):equals "picked up"
end)

each("ignore-invalid-rst", function(net, edge, client, server)
  edge:track { ignore_invalid_rst = false }
  local invalid = edge:drop { fwd = true, ct = "invalid", tcp = 80 }
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  c:write "hello"
  s:read()
  s:write "welcome"
  c:read()
  expect(net.trace:at(server)):after({ from = server, payload = "welcome" }):includes { from = client, tcp = "ack" }
  -- A reset whose number was acknowledged long ago.
  local function stray() net.wan:inject { conn = c, from = client, toward = edge, flags = "R", seq = 1 } end
  stray()
  expect(net.trace:at(server)):never { tcp = "rst" }
  expect(invalid.hits):equals(1)
  edge:track { ignore_invalid_rst = true }
  stray()
  expect(net.trace:at(server)):exactly(1, { tcp = "rst", from = client })
  expect(invalid.hits):equals(1)
  expect(s:info().state):equals "ESTABLISHED"
end)

each("icmp-and-size", function(net, edge, client, server)
  local large = edge:drop { fwd = true, icmp = "echo-request", size = ">= 1000" }
  local short = edge:accept { fwd = true, icmp = "echo-request", size = "1..999" }
  expect(client:ping({ to = server, size = 100, timeout = "3s" }).received):equals(1)
  expect(client:ping({ to = server, size = 1200, timeout = "100ms" }).received):equals(0)
  expect(large.hits):equals(1)
  expect(short.hits):equals(1)
  local answers = edge:drop { fwd = true, icmp = "echo-reply", from = server, to = client }
  expect(client:ping({ to = server, size = 100, timeout = "100ms" }).received):equals(0)
  expect(answers.hits):equals(1)
  expect(net.trace:at(server)):exactly(2, { icmp = "echo-request" })
  expect(net.trace:at(client)):exactly(1, { icmp = "echo-reply" })
end)

each("route-lock", function(net, edge, client, server, ip)
  server:route { to = "default", via = "edge", mtu = 1400, lock = true }
  local l = server:listen(80)
  local c = client:dial { to = l }
  local s = l:accept()
  s:write(("x"):rep(3000))
  c:read_until(("x"):rep(3000))
  expect(s:info().pmtu):equals(1400)
  -- Who says that less fits is not believed; in IPv6 it is, always.
  local acks = net.lan:hold { from = client }
  s:write(("y"):rep(1000))
  acks:wait(1)
  local p = net.trace:at(server):packets { from = server, payload = "yyyy" }[1]
  net.lan:inject { icmp = "frag-needed", mtu = 1300, quote = p, from = edge }
  expect(net.trace:at(server)):includes { icmp = "frag-needed", from = edge }
  acks:release()
  acks:disarm()
  c:read_until(("y"):rep(1000))
  s:write(("z"):rep(3000))
  c:read_until(("z"):rep(3000))
  local fits = ip == 4 and 1400 or 1300
  expect(s:info().pmtu):equals(fits)
  expect(net.trace:at(server)):includes { from = server, payload = "zzzz", ip_len = fits }
  expect(net.trace:at(server)):every { from = server, tcp = "any" }:has { ip_len = "1..1400", df = ip == 4 and false or nil }
end)

for _, ip in ipairs { 4, 6 } do
  scenario("rule-clamp-to-the-path-v" .. ip) {
    tags = { "rule" }, needs = { "nftables" },
    topology = path { host "client", wire { name = "wan" }, router "edge", wire { name = "lan", mtu = 1300 }, router "far", wire {}, host "server", ip = ip },
    run = function(net)
      local clamp = net.edge:clamp_mss "path"
      local file = net.server:serve { port = 80, body = ("x"):rep(5000) }
      expect(net.client:fetch { from = file, timeout = "5s" }.bytes):equals(5000)
      local fits = ip == 4 and 1260 or 1240
      expect(clamp.hits):equals(2)
      expect(net.trace:at(net.client)):includes { from = net.client, tcp = "syn", mss = fits + 200 }
      expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", mss = fits })
      expect(net.trace:at(net.server)):every { from = net.server, tcp = "any" }:has { ip_len = "1..1300" }
      expect(net.trace):never { proto = ip == 4 and "icmp" or "icmpv6" }
    end,
  }

  local there = ip == 4 and "10.0.6.0/24" or "fd00:0:0:6::/64"
  local function fork() return graph {
    ip = ip, nodes = { host "client", router "fork", router "left", router "right", router "join", host "server" },
    links = {
      { "client", wire {}, "fork" }, { "fork", wire { name = "l1" }, "left" }, { "fork", wire { name = "r1" }, "right" },
      { "left", wire {}, "join" }, { "right", wire {}, "join" }, { "join", wire {}, "server" },
    },
  } end

  scenario("rule-ecmp-weights-v" .. ip) {
    tags = { "rule" }, needs = { "nftables" }, topology = fork(),
    run = function(net)
      step "each packet: as often as the weights say"
      net.fork:route { to = there, via = { left = 3, right = 1 }, spread = "packet" }
      local from, to = net.client:udp {}, net.server:udp { port = 53 }
      for i = 1, 40 do
        from:send("x", { to = net.server, port = 53 })
        expect(to:receive({ timeout = "5s" }).data):equals "x"
      end
      expect(net.trace:at(net.left):count { udp = true, toward = net.left }):equals(30)
      expect(net.trace:at(net.right):count { udp = true, toward = net.right }):equals(10)

      step "each connection: the heavier way has more"
      net.fork:route { to = there, via = { left = 1, right = 9 }, spread = "flow" }
      local l = net.server:listen(80)
      for _ = 1, 40 do net.client:dial { to = l } end
      local left = net.trace:at(net.left):count { tcp = "syn", toward = net.left }
      local right = net.trace:at(net.right):count { tcp = "syn", toward = net.right }
      expect(left + right):equals(40)
      expect(right):at_least(21)
    end,
  }

  scenario("rule-ecmp-by-address-v" .. ip) {
    tags = { "rule" }, needs = { "nftables" }, topology = fork(),
    run = function(net)
      net.fork:route { to = there, via = { "left", "right" }, spread = "address" }
      local l = net.server:listen(80)
      for _ = 1, 24 do net.client:dial { to = l } end
      local left = net.trace:at(net.left):count { tcp = "syn", toward = net.left }
      local right = net.trace:at(net.right):count { tcp = "syn", toward = net.right }
      expect(left + right):equals(24)
      -- Two addresses: one way, whichever it is.
      expect(math.min(left, right)):equals(0)
    end,
  }
end
