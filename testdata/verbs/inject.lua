-- Forged packets: each kind, toward either end, and what the kernel makes of it
-- (RFC 9293, RFC 5961).

local function each(name, run, o)
  for _, ip in ipairs(o and o.ip or { 4, 6 }) do
    scenario("inject-" .. name .. "-v" .. ip) {
      tags = { "forged" },
      topology = path { host "client", wire { name = "wan", delay = "1ms" }, router "edge", wire { name = "lan" }, host "server", ip = ip },
      run = function(net) run(net, ip) end,
    }
  end
end

-- open is a connection that has said something in both directions.
local function open(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  c:write "hello"
  s:read()
  s:write "welcome"
  c:read()
  -- Nothing may be on its way: an ACK that reached a reset connection would be
  -- answered with a reset of its own.
  expect(net.trace:at(net.server)):after({ from = net.server, payload = "welcome" }):includes { from = net.client, tcp = "ack" }
  return c, s, l
end

each("rst-exact", function(net)
  local c, s = open(net)
  local n = net.wan:inject { conn = c, toward = net.client, flags = "R" }
  local _, err = c:read { timeout = "2s" }
  expect(err):equals "ECONNRESET"
  expect(n.raw_seq):between(0, 2 ^ 32 - 1)
  -- Nobody at the other end sent it: the server still has its connection.
  expect(net.trace:at(net.client)):exactly(1, { from = net.server, tcp = "rst", fault = true })
  expect(net.trace:at(net.server)):never { from = net.server, tcp = "rst" }
  expect(s:info().state):equals "ESTABLISHED"
end)

each("rst-toward-the-server", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, flags = "R" }
  local _, err = s:read { timeout = "2s" }
  expect(err):equals "ECONNRESET"
  expect(c:info().state):equals "ESTABLISHED"
end)

each("rst-in-window", function(net)
  local c = open(net)
  net.wan:inject { conn = c, toward = net.client, flags = "R", seq = "in window" }
  -- A challenge ACK (RFC 5961, section 3.2) and no reset.
  expect(c:read { timeout = "100ms" }):equals ""
  expect(net.trace:at(net.client)):after({ tcp = "rst" }):includes { from = net.client, tcp = "ack" }
  expect(c:info().state):equals "ESTABLISHED"
end)

each("rst-blind", function(net)
  local c = open(net)
  local before = c.rcv_next
  net.wan:inject { conn = c, toward = net.client, flags = "R", seq = before - 100000 }
  expect(c:read { timeout = "100ms" }):equals ""
  expect(net.trace:at(net.client)):after({ tcp = "rst" }):never { from = net.client }
  expect(c:info().state):equals "ESTABLISHED"
end)

each("rst-at-a-number-drawn-by-chance", function(net)
  local c = open(net)
  net.wan:inject { conn = c, toward = net.client, flags = "R", seq = "blind" }
  expect(c:read { timeout = "50ms" }):equals ""
  expect(c:info().state):equals "ESTABLISHED"
end)

each("sack-of-what-was-never-sent", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, flags = ".", sack = { { 100, 200 } } }
  expect(net.trace:at(net.server)):includes { flags = ".", sack = true, fault = true }
  expect(s:info().state):equals "ESTABLISHED"
end)

each("syn-in-established", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, flags = "S", seq = c.snd_next + 10, timestamps = false }
  -- A challenge ACK (RFC 5961, section 4).
  expect(net.trace:at(net.server)):after({ flags = "S", fault = true }):includes { from = net.server, tcp = "ack" }
  expect(s:info().state):equals "ESTABLISHED"
end)

each("data-out-of-window", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, flags = "P.", seq = c.snd_next + 200000000, payload = "later" }
  -- The server says what it expects, and takes nothing.
  expect(net.trace:at(net.server)):after({ payload = "later" }):includes { from = net.server, tcp = "ack", ack = c.snd_next }
  expect(s:read { timeout = "50ms" }):equals ""
end)

each("data-in-order", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, payload = "forged" }
  expect(s:read()):equals "forged"
end)

each("stale-ack", function(net)
  local c = open(net)
  net.lan:inject { conn = c, from = net.client, flags = ".", ack = 1 }
  expect(net.trace:at(net.server)):includes { flags = ".", ack = 1, fault = true }
  c:write "and on"
  expect(net.trace):never { tcp = "rst" }
end)

each("duplicate-of-an-earlier-packet", function(net)
  local c, s = open(net)
  local first = net.trace:at(net.client):packets { payload = "hello" }[1]
  net.lan:inject { packet = first, set = { ttl = 9 } }
  -- The server has it: a duplicate acknowledgement with what it had (RFC 2883).
  expect(net.trace:at(net.server)):exactly(2, { payload = "hello" })
  expect(net.trace:at(net.server)):after({ payload = "hello", ttl = 9 }):includes { from = net.server, tcp = "ack", sack = true }
  expect(s:read { timeout = "50ms" }):equals ""
end)

each("frag-needed", function(net, ip)
  local c, s = open(net)
  c:write(("x"):rep(3000))
  s:read_until(("x"):rep(3000))
  local mss = c:info().snd_mss
  local last = net.trace:at(net.client):packets { from = net.client, tcp = "data" }
  -- What it quotes must not be acknowledged yet: the reply to it is held back.
  local acks = net.wan:hold { from = net.server }
  c:write(("y"):rep(1000))
  acks:wait(1)
  local p = net.trace:at(net.client):packets { from = net.client, payload = "yyyy" }[1]
  net.wan:inject { icmp = "frag-needed", mtu = 1300, quote = p, from = net.edge }
  acks:release()
  acks:disarm()
  expect(net.trace:at(net.client)):includes { icmp = "frag-needed", from = net.edge }
  c:write(("z"):rep(5000))
  expect(mss):at_least(1400)
  expect(c:info().snd_mss):less_than(1300)
  expect(c:info().pmtu):equals(1300)
end)

each("frag-needed-for-the-last-packet-of-a-connection", function(net)
  local c = open(net)
  local acks = net.wan:hold { from = net.server }
  c:write "more"
  acks:wait(1)
  net.wan:inject { icmp = "frag-needed", mtu = 1300, quote = c, toward = net.client, from = net.edge }
  acks:release()
  acks:disarm()
  expect(c:info().pmtu):equals(1300)
end)

each("unreachable", function(net)
  local l = net.server:listen(80)
  local lost = net.lan:drop { tcp = "syn" }
  local t = task(function()
    local _, err = net.client:dial { to = l, timeout = "3s" }
    expect(err):equals "ECONNREFUSED"
  end)
  local held = net.wan:hold { icmp = "any", optional = true }
  while lost.hits == 0 do sleep "1ms" end
  net.wan:inject { icmp = "port-unreachable", quote = net.trace:at(net.client):packets { tcp = "syn" }[1] }
  wait(t)
end)

each("udp", function(net)
  net.wan:inject { from = net.server, toward = net.client, udp = true, sport = 53, dport = 5353, payload = "who" }
  expect(net.trace:at(net.client)):includes { udp = true, sport = 53, payload = "who", fault = true }
  expect(net.trace:at(net.client)):includes { from = net.client, icmp = "port-unreachable" }
end)

each("syn-without-a-connection", function(net)
  net.server:listen(80)
  net.wan:inject { from = net.server, toward = net.client, flags = "S", sport = 1000, dport = 2000, raw_seq = 7, mss = 1200, wscale = 3, sack_permitted = true }
  expect(net.trace:at(net.client)):includes { flags = "S", mss = 1200, wscale = 3, sack_permitted = true, dport = 2000 }
  expect(net.trace:at(net.client)):includes { from = net.client, flags = "R.", dport = 1000 }
end)

each("another-protocol", function(net)
  net.wan:inject { from = net.edge, toward = net.client, proto = 253, ttl = 7, payload = "abc" }
  expect(net.trace:at(net.client)):includes { proto = 253, ttl = 7, fault = true }
end)

each("raw-ip", function(net, ip)
  net.wan:inject { toward = net.client, ip = ip == 4 and hex "45000014 00000000 40fd0000 c0000201 c0000202"
    or hex "60000000 00003b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002" }
  expect(net.trace:at(net.client)):includes(ip == 4 and { proto = 253, src = "192.0.2.1" } or { proto = 59, src = "2001:db8::1" })
end)

each("ip-header", function(net, ip)
  local four = ip == 4
  net.wan:inject { from = net.edge, toward = net.client, udp = true, sport = 53, dport = 5353, payload = "one", tos = 0xb9, ttl = 7,
    ip_id = four and 4711 or nil, df = four and false or nil }
  net.wan:inject { from = net.edge, toward = net.client, udp = true, sport = 53, dport = 5354, payload = "two" }
  expect(net.trace:at(net.client)):exactly(1, { payload = "one", dscp = 46, ecn = 1, ttl = 7, ip_id = four and 4711 or nil, df = four and false or nil, dropped = false })
  expect(net.trace:at(net.client)):exactly(1, { payload = "two", dscp = 0, ecn = 0, ttl = 64, ip_id = four and 0 or nil, df = four or nil, dropped = false })
  -- The kernel takes it for a packet: nobody listens there.
  expect(net.trace:at(net.client)):exactly(2, { from = net.client, icmp = "port-unreachable" })
end)

each("urgent", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, flags = "PU.", urgent = 3, payload = "ab!" }
  expect(net.trace:at(net.server)):exactly(1, { flags = "PU.", urgent = 3, payload = "ab!", dropped = false })
  -- The byte before the pointer is out of band (RFC 6093).
  expect(s:read()):equals "ab"
end)

each("next", function(net)
  local c, s = open(net)
  net.lan:inject { conn = c, from = net.client, seq = "next", ack = "next", payload = "forged" }
  expect(s:read()):equals "forged"
  expect(net.trace:at(net.server)):exactly(1, { payload = "forged", seq = 6, ack = 8, fault = true })
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "ack", ack = 12 }
end)

for _, ip in ipairs { 4, 6 } do
  scenario("inject-vlan-v" .. ip) {
    tags = { "forged" },
    topology = graph {
      ip = ip, nodes = { host "a", host "b", host "d", switch "s1", switch "s2" },
      links = {
        { "a", wire { vlan = 10 }, "s1" }, { "b", wire { vlan = 10 }, "s2" }, { "d", wire { vlan = 20 }, "s2" },
        { "s1", wire { name = "trunk", trunk = { 10, 20 } }, "s2" },
      },
    },
    run = function(net)
      for _, vlan in ipairs { 10, 20 } do
        net.trunk:inject { src = net.a, dst = net.b, toward = net.s2, vlan = vlan, udp = true, sport = 1000, dport = 2000 + vlan, payload = "tagged" }
      end
      expect(net.trace:at(net.s2)):exactly(1, { vlan = 10, dport = 2010, fault = true, toward = net.s2 })
      expect(net.trace:at(net.s2)):exactly(1, { vlan = 20, dport = 2020, fault = true, toward = net.s2 })
      expect(net.trace:at(net.b)):exactly(1, { udp = true, dport = 2010, dropped = false })
      expect(net.trace:at(net.b)):never { dport = 2020 }
      -- No port of this VLAN but d's: the switch floods it there.
      expect(net.trace:at(net.d)):exactly(1, { udp = true, dport = 2020 })
    end,
  }
end

each("udp-without-a-checksum", function(net)
  net.wan:inject { toward = net.client, ip = hex "60000000 000c1140 fd000000 00000001 00000000 00000002 fd000000 00000001 00000000 00000001 00351389 000c0000" .. "abcd" }
  -- Over IPv6 it must have one (RFC 8200, section 8.1).
  expect(net.trace:at(net.client)):exactly(1, { udp = true, payload = "abcd", dropped = true })
  expect(net.trace:at(net.client)):never { icmp = "port-unreachable" }
end, { ip = { 6 } })
