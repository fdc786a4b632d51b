-- Every socket option that changes the wire, on the wire. Those that end
-- connections are in kernel.lua, those of the web server in web.lua.

local function each(name, run, o)
  o = o or {}
  for _, ip in ipairs(o.ip or { 4, 6 }) do
    scenario("option-" .. name .. "-v" .. ip) {
      tags = { "sockets" },
      topology = o.topology and o.topology(ip) or path { host "client", wire { name = "lan", delay = o.delay }, host "server", ip = ip },
      run = function(net) run(net, ip) end,
    }
  end
end

local function open(net, o, listen)
  local l = net.server:listen(80, listen or {})
  o = o or {}
  o.to = l
  local c = net.client:dial(o)
  return c, c and l:accept(), l
end

each("nodelay", function(net)
  for _, on in ipairs { false, true } do
    local l = net.server:listen(on and 81 or 80)
    local c = net.client:dial { to = l, nodelay = on }
    local s = l:accept()
    c:write "one"
    c:write "two"
    expect(s:read_until "two"):equals "onetwo"
    local sent = net.trace:at(net.client):conn(c):packets { from = net.client, tcp = "data" }
    expect(#sent):equals(2)
    -- Nagle: what is small waits until nothing is in flight.
    local between = expect(net.trace:at(net.client):conn(c)):between({ payload = "one" }, { payload = "two" })
    if on then between:never { from = net.server, tcp = "ack" } else between:includes { from = net.server, tcp = "ack" } end
  end
end, { delay = "250ms" }) -- a round trip is longer than two writes are apart, on any machine

each("cork", function(net)
  local c, s = open(net, { nodelay = true })
  c:set { cork = true }
  c:write "one"
  c:write "two"
  c:set { cork = false }
  expect(s:read_until "two"):equals "onetwo"
  expect(net.trace:at(net.client)):exactly(1, { from = net.client, tcp = "data" })
end)

each("quickack", function(net)
  local c, s = open(net)
  local function acknowledged(text)
    c:write(text)
    s:read_until(text)
    local sent = net.trace:at(net.server):packets { from = net.client, payload = text } -- the wires are idle
    local ack = net.trace:at(net.server):packets { from = net.server, flags = ".", ack = sent[1].seq + #text }
    return ack[1].time - sent[1].time
  end
  s:set { quickack = false }
  expect(acknowledged "slow", "ATO is 40 ms at least"):at_least(0.03)
  s:set { quickack = true }
  expect(acknowledged "quick"):less_than(0.03)
end)

each("window-clamp", function(net)
  open(net, {}, { window_clamp = 3000 })
  -- The kernel may open it further once data flows (tcp_rcv_space_adjust).
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "synack", win = "1..3000" }
end)

each("notsent-lowat", function(net)
  local function took(port, o)
    local l = net.server:listen(port, { rcvbuf = "4KB" })
    o.to = l
    local n = net.client:dial(o):write(("x"):rep(3000000), { timeout = "200ms" })
    l:close()
    return n
  end
  expect(took(81, { notsent_lowat = "1KB" })):less_than(took(80, {}) / 2)
end)

each("syncnt", function(net)
  net.client:sysctl("net.ipv4.tcp_syn_linear_timeouts", 0)
  local lost = net.lan:drop { tcp = "syn" }
  expect(select(2, net.client:dial { to = net.server, port = 80, syncnt = 1 })):equals "ETIMEDOUT"
  expect(lost.hits):equals(2)
end, { ip = { 4 } })

each("defer-accept", function(net)
  local l = net.server:listen(80, { defer_accept = "5s" })
  local c = net.client:dial { to = l }
  expect(c:info().state):equals "ESTABLISHED"
  expect(select(2, l:accept { timeout = "200ms" })):equals "timeout"
  c:write "now"
  expect(l:accept():read()):equals "now"
end)

each("fastopen", function(net)
  net.server:sysctl("net.ipv4.tcp_fastopen", 2)
  local l = net.server:listen(80, { fastopen = 16 })
  for i = 1, 2 do -- the first is given a cookie
    local c = net.client:dial { to = l, fastopen_connect = true }
    c:write "early"
    expect(l:accept():read()):equals "early"
    expect(net.trace:at(net.server):count { from = net.client, flags = "S", len = ">= 5" }):equals(i - 1)
  end
end)

each("congestion", function(net)
  local c = open(net, { congestion = "reno" })
  expect(select(2, c:set { congestion = "no-such" })):equals "ENOENT"
  c:close()
  -- One of ten segments is lost: Reno goes on with half as many (RFC 5681, section
  -- 3.1), CUBIC with seven in ten (RFC 9438, section 4.6).
  for name, left in pairs { reno = 5, cubic = 7 } do
    net.lan:drop { payload = "the first", times = 1 }
    local l = net.server:listen(name == "reno" and 81 or 82)
    local c = net.client:dial { to = l, congestion = name }
    c:write("the first" .. ("x"):rep(9 * 1448) .. "the last")
    expect(l:accept():read_until "the last"):matches "^the first"
    expect(net.trace:at(net.client)):includes { from = net.client, payload = "the first", rexmit = "1" }
    expect(c:info().snd_ssthresh, name):equals(left)
  end
end, { delay = "20ms" })

each("tos-and-ttl", function(net)
  local c, s = open(net, { tos = 0x28, ttl = 40 }, { tos = 0x48, ttl = 50 })
  c:write "x"
  s:read()
  s:write "y"
  c:read()
  -- Of the handshake, what belongs to no socket yet is the listener's too.
  expect(net.trace:at(net.client)):every { from = net.client, tcp = "any" }:has { dscp = 10, ttl = 40 }
  expect(net.trace:at(net.server)):every { from = net.server, tcp = "any" }:has { dscp = 18, ttl = 50 }
end)

each("mtu-discover", function(net)
  for i, how in ipairs { "do", "dont" } do
    local l = net.server:listen(80 + i)
    local c = net.client:dial { to = l, mtu_discover = how }
    c:write "x"
    l:accept():read()
    expect(net.trace:at(net.client):conn(c)):every { from = net.client, tcp = "data" }:has { df = how == "do" }
  end
end, { ip = { 4 } })

each("transparent", function(net, ip)
  local other = ip == 4 and "192.0.2.9" or "2001:db8::9"
  expect(net.client:dial { to = net.server, port = 80, transparent = true, from_addr = other, timeout = "300ms" }):is_nil()
  expect(net.trace:at(net.server)):includes { src = other, tcp = "syn" }
end)

each("freebind-and-addr", function(net, ip)
  local other = ip == 4 and "192.0.2.9" or "2001:db8::9"
  net.server:listen(80, { addr = other, freebind = true })
  net.server:listen(81, { addr = net.server.addr })
  -- At its own address nobody listens.
  expect(select(2, net.client:dial { to = net.server, port = 80 })):equals "ECONNREFUSED"
  expect(select(2, net.client:dial { to = net.server, port = 81 })):is_nil()
end)

each("mark", function(net)
  net.server:listen(80)
  net.client:drop { mark = 7, out = true, name = "marked" }
  expect(select(2, net.client:dial { to = net.server, port = 80, mark = 7, timeout = "200ms" })):equals "timeout"
  expect(select(2, net.client:dial { to = net.server, port = 80, mark = 8 })):is_nil()
end)

each("broadcast", function(net)
  local s = net.server:udp { port = 67 }
  local deaf = net.client:udp {}
  expect(select(2, deaf:send("hello", { to = "10.0.1.255", port = 67 }))):equals "EACCES"
  net.client:udp({ broadcast = true }):send("hello", { to = "10.0.1.255", port = 67 })
  expect(s:receive().data):equals "hello"
end, { ip = { 4 } })

each("one-port", function(net)
  -- Connections from one port differ in whom they go to.
  local a, b = net.server:listen(80), net.server:listen(81)
  local first, second = net.client:dial { to = a, from_port = 5000 }, net.client:dial { to = b, from_port = 5000 }
  expect(first.here.port):equals(5000)
  expect(second.here.port):equals(5000)
  expect(select(2, net.client:dial { to = a, from_port = 5000 })):equals "EADDRNOTAVAIL"
end)

each("vanish", function(net)
  local c, s = open(net)
  c:write "before"
  s:read()
  s:vanish()
  expect(net.trace:at(net.server)):never { from = net.server, tcp = "fin" }
  expect(net.trace):never { tcp = "rst" }
  expect(#net.server:sockets { state = "ESTABLISHED" }):equals(0)
  c:write "after"
  expect(select(2, c:read())):equals "ECONNRESET"
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "rst", rst = { kind = "passive" } }
end)

each("wire", function(net)
  net.server:listen(80)
  local other = net.b:drop { tcp = "syn" } -- its route is the other wire's
  expect(select(2, net.client:dial { to = net.server, port = 80, wire = "b", timeout = "200ms" })):equals "timeout"
  expect(other.hits):equals(1)
  expect(select(2, net.client:dial { to = net.server, port = 80 })):is_nil()
end, { ip = { 4 }, topology = function(ip)
  return graph { nodes = { host "client", host "server" }, links = { { "client", wire { name = "a" }, "server" }, { "client", wire { name = "b" }, "server" } }, ip = ip }
end })

each("resolver", function(net)
  local site = net.server:serve { port = 80, body = "x" }
  net.server:dns { names = { ["www.test"] = { to = net.server, delay = "100ms" } } }
  local got = net.client:fetch { from = site, name = "www.test", resolver = net.server }
  expect(got.body):equals "x"
  expect(got.resolved):at_least(0.1)
  expect(got.connected):more_than(got.resolved)
  local none = net.client:fetch { from = site, name = "nowhere.test", resolver = net.server }
  expect(none.error):equals "resolve NXDOMAIN"
end)
