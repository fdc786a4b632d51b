-- One scenario for each fault on a wire, in both versions of IP: what it does to
-- the packet that it names, and to no other.

local function line(ip) return path { host "client", wire { name = "wan", delay = "2ms" }, host "server", ip = ip } end

-- each makes a scenario of a fault for IPv4 and IPv6.
local function each(name, run, topology)
  for _, ip in ipairs { 4, 6 } do
    scenario(name .. "-v" .. ip) { tags = { "fault" }, topology = (topology or line)(ip), run = function(net) run(net, ip) end }
  end
end

-- mss is the payload of a full segment with timestamps.
local function mss(ip) return ip == 4 and 1448 or 1428 end

local function fetch(net, size, port)
  local file = net.server:serve { port = port or 80, body = ("x"):rep(size or 6000) }
  local got = net.client:fetch { from = file, timeout = "8s" }
  expect(got.bytes, "the whole body arrives"):equals(size or 6000)
  return got
end

each("drop", function(net, ip)
  local lost = net.wan:drop { from = net.server, tcp = "data", nth = 2 }
  fetch(net)
  expect(lost.hits):equals(1)
  expect(lost.seq):equals(1 + mss(ip))
  expect(net.trace:at(net.server)):exactly(1, { dropped = true })
  expect(net.trace:at(net.client)):exactly(1, { from = net.server, seq = lost.seq })
  expect(net.trace:at(net.server)):exactly(1, { tcp = "rexmit", seq = lost.seq, original = "lost" })
end)

each("drop-every", function(net)
  local lost = net.wan:drop { from = net.server, tcp = "data", nth = 2, every = 3, times = 2 }
  fetch(net, 12000)
  expect(lost.hits):equals(2)
  local seen = net.trace:at(net.server):packets { from = net.server, tcp = "data" }
  for i, p in ipairs(seen) do expect(p.dropped ~= nil, "segment " .. i):equals(i == 2 or i == 5) end
end)

each("drop-between-events", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  local quiet = net.wan:drop { from = net.client, tcp = "any", after = { payload = "two" }, before = { payload = "five" } }
  for _, word in ipairs { "one", "two", "three", "four" } do
    c:write(word)
    if word ~= "three" and word ~= "four" then s:read() end
  end
  expect(s:read { timeout = "50ms" }):equals ""
  expect(quiet.hits):at_least(1)
  s:write "five"
  c:read()
  expect(s:read_until "four"):equals "threefour"
  expect(net.trace:at(net.client)):never { payload = "two", dropped = true }
end)

each("drop-after-a-fault", function(net)
  local first = net.wan:drop { from = net.server, tcp = "data", nth = 1 }
  -- A tail loss probe may come before, if the host is slow.
  local second = net.wan:drop { from = net.server, tcp = "rexmit", seq = 1, after = first, times = 1 }
  fetch(net)
  expect(first.hits):equals(1)
  expect(second.hits):equals(1)
  expect(net.trace:at(net.server)):includes { from = net.server, seq = 1, rexmit = 2 }
end)

-- dial opens a connection that takes a SYN or several.
local function dial(net) expect(net.client:dial { to = net.server:listen(80), timeout = "9s" }.peer.port):equals(80) end

each("duplicate-before-a-fault", function(net)
  local lost = net.wan:drop { payload = "three", times = 1 }
  local twice = net.wan:duplicate { from = net.client, tcp = "data", before = lost }
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  for _, word in ipairs { "one", "two", "three", "four" } do
    c:write(word)
    s:read_until(word)
  end
  expect(twice.hits):equals(2)
end)

each("drop-right-behind-a-fault", function(net)
  local first = net.wan:drop { tcp = "syn", nth = 1 }
  local second = net.wan:drop { tcp = "syn", after = first, times = 1 }
  dial(net)
  expect(second.hits):equals(1)
  expect(net.trace:at(net.client)):exactly(2, { tcp = "syn", dropped = true })
end)

each("drop-behind-what-was-dropped", function(net)
  net.wan:drop { tcp = "syn", nth = 1 }
  local second = net.wan:drop { tcp = "syn", after = { tcp = "syn" }, times = 1 }
  dial(net)
  expect(second.hits):equals(1)
  expect(net.trace:at(net.client)):exactly(2, { tcp = "syn", dropped = true })
end)

each("drop-where", function(net)
  local seen = 0
  local lost = net.wan:drop { from = net.server, tcp = "data", where = function(pkt)
    seen = seen + 1
    return pkt.payload:sub(-1) == "!"
  end }
  net.server:listen(80, function(conn) conn:write "one" conn:read() conn:write "two!" conn:read_all() conn:close() end)
  local c = net.client:dial { to = net.server, port = 80 }
  expect(c:read()):equals "one"
  c:write "go"
  expect(c:read()):equals "two!"
  expect(seen):equals(2)
  expect(lost.hits):equals(1)
  expect(net.trace:at(net.server)):exactly(1, { payload = "two!", tcp = "rexmit" })
end)

each("delay", function(net, ip)
  local late = net.wan:delay { by = "30ms", from = net.server, tcp = "data", nth = 1 }
  fetch(net)
  -- The others overtake it.
  expect(net.trace:at(net.client)):sequence {
    { from = net.server, tcp = "data", seq = 1 + mss(ip) },
    { from = net.client, tcp = "ack", sacks = late },
    { from = net.server, seq = 1, len = mss(ip) },
  }
  local out = net.trace:at(net.server):packets { seq = 1, from = net.server, tcp = "data" }[1]
  local back = net.trace:at(net.client):packets { seq = 1, from = net.server, len = mss(ip) }
  -- 2 ms are the wire's.
  expect(back[#back].time - out.time):at_least(0.0319)
end)

-- shifts sends datagrams one by one over a wire of 2 ms with a jitter of its own
-- in the packets' order, and returns by how much each came later than that.
local function shifts(net, from, to, n)
  local out = {}
  for i = 1, n do
    local word = "jitter " .. i .. "."
    from:send(word, { to = net.server, port = 53 })
    expect(to:receive({ timeout = "5s" }).data):equals(word)
    local left = net.trace:at(net.client):packets { payload = word }[1]
    out[i] = { left = left, by = net.trace:at(net.server):packets({ payload = word })[1].time - left.time - 0.002 }
  end
  return out
end

each("delay-jitter", function(net)
  local from, to = net.client:udp {}, net.server:udp { port = 53 }
  local late = net.wan:delay { by = "40ms", jitter = "30ms", udp = true }
  local least, most = 1, 0
  for _, s in ipairs(shifts(net, from, to, 30)) do
    -- What was drawn stands in the trace, and no packet came before its time.
    local drawn = tonumber(s.left.fault:match "delayed ([%d.]+)ms") / 1000
    expect(drawn):between(0.010, 0.070)
    expect(s.by):at_least(drawn - 0.0001)
    least, most = math.min(least, drawn), math.max(most, drawn)
  end
  expect(late.hits):equals(30)
  -- Thirty draws are not all of one half.
  expect(least):less_than(0.040)
  expect(most):at_least(0.040)
end)

each("duplicate", function(net, ip)
  local twice = net.wan:duplicate { from = net.server, tcp = "data", nth = 2, copies = 2, gap = "30ms" }
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  local body = ("x"):rep(6000)
  s:write(body)
  c:read_until(body)
  expect(net.trace:at(net.server)):exactly(1, { from = net.server, seq = twice.seq })
  expect(net.trace:at(net.client)):exactly(3, { from = net.server, seq = twice.seq, len = mss(ip) })
  expect(net.trace:at(net.client)):exactly(2, { from = net.server, seq = twice.seq, fault = true })
  -- Each copy comes so much later than the one before, and no sooner.
  local out = net.trace:at(net.server):packets({ from = net.server, seq = twice.seq })[1]
  for i, p in ipairs(net.trace:at(net.client):packets { from = net.server, seq = twice.seq }) do
    local since = p.time - out.time - 0.002 - (i - 1) * 0.030
    expect(since, "copy " .. i):between(-0.0001, 1)
  end
  -- The receiver says that it had it: a duplicate SACK (RFC 2883).
  expect(net.trace:at(net.client)):includes { from = net.client, tcp = "ack", sack = true }
  expect(net.trace:at(net.server)):never { tcp = "rexmit", seq = twice.seq }
end)

each("reorder", function(net, ip)
  local swapped = net.wan:reorder { from = net.server, tcp = "data", nth = 1, behind = 2 }
  fetch(net)
  expect(swapped.hits):equals(1)
  expect(net.trace:at(net.client)):sequence {
    { from = net.server, tcp = "data", seq = 1 + mss(ip) },
    { from = net.server, tcp = "data", seq = 1 + 2 * mss(ip) },
    { from = net.server, seq = 1, len = mss(ip) },
  }
end)

-- Where nothing overtakes it a packet goes when its time is over, and the next
-- that matches is put behind in its turn.
each("reorder-alone", function(net)
  local late = net.wan:reorder { payload = "word", most = "20ms" }
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  for i = 1, 3 do
    c:write("word" .. i)
    s:read_until("word" .. i)
  end
  expect(late.hits):equals(3)
end)

each("corrupt", function(net)
  local bad = net.wan:corrupt { from = net.server, tcp = "data", nth = 2, byte = 0, xor = 1 }
  fetch(net)
  expect(bad.hits):equals(1)
  -- The receiver sees that the checksum is wrong.
  expect(net.trace:at(net.client)):exactly(1, { from = net.server, seq = bad.seq, dropped = true })
  expect(net.trace:at(net.server)):exactly(1, { tcp = "rexmit", seq = bad.seq, original = "lost" })
end)

each("corrupt-mended", function(net)
  net.server:listen(80, function(conn) conn:write "hello" conn:close() end)
  net.wan:corrupt { from = net.server, tcp = "data", byte = 0, xor = 0x20, checksum = "mended" }
  local c = net.client:dial { to = net.server, port = 80 }
  expect(c:read_all(), "nobody can tell"):equals "Hello"
  expect(net.trace):never { tcp = "rexmit", original = "lost" }
end)

-- bits is in how many bits two texts differ.
local function bits(a, b)
  local n = 0
  for i = 1, math.max(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    while x > 0 or y > 0 do
      if x % 2 ~= y % 2 then n = n + 1 end
      x, y = math.floor(x / 2), math.floor(y / 2)
    end
  end
  return n
end

-- Of a byte and a bit drawn by chance exactly that bit is another.
each("corrupt-any", function(net)
  local bad = net.wan:corrupt { udp = true, checksum = "mended" }
  local from, to = net.client:udp {}, net.server:udp { port = 53 }
  local places = {}
  for i = 1, 20 do
    local word = ("datagram %02d"):format(i):rep(5)
    from:send(word, { to = net.server, port = 53 })
    local got = to:receive({ timeout = "5s" }).data
    expect(#got):equals(#word)
    expect(bits(word, got), "bits"):equals(1)
    for at = 1, #word do if word:byte(at) ~= got:byte(at) then places[at] = true end end
  end
  expect(bad.hits):equals(20)
  expect(next(places, next(places)) ~= nil, "not always the same byte"):is_true()
end)

each("corrupt-any-of-the-transport", function(net)
  local bad = net.wan:corrupt { from = net.server, tcp = "data", layer = "transport", nth = 1 }
  fetch(net)
  expect(bad.hits):equals(1)
  expect(bad.seq):equals(1)
  -- One bit: no checksum misses it (RFC 1071).
  expect(net.trace:at(net.client)):exactly(1, { dropped = true })
  expect(net.trace:at(net.server)):exactly(1, { tcp = "rexmit", seq = 1, original = "lost" })
end)

each("corrupt-the-ip-header", function(net, ip)
  -- The last byte of the time to live, or hop limit.
  local bad = net.wan:corrupt { tcp = "syn", nth = 1, layer = "ip", byte = ip == 4 and 8 or 7, xor = 1 }
  dial(net)
  expect(bad.hits):equals(1)
  -- Only IPv4 has a checksum of its header.
  expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", ttl = 65, dropped = ip == 4 })
  expect(net.trace:at(net.client)):exactly(ip == 4 and 2 or 1, { tcp = "syn", ttl = 64 })
end)

each("corrupt-the-ip-header-mended", function(net, ip)
  net.wan:corrupt { tcp = "syn", nth = 1, layer = "ip", byte = ip == 4 and 8 or 7, xor = 1, checksum = "mended" }
  dial(net)
  expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", ttl = 65, dropped = false })
  expect(net.trace:at(net.client)):exactly(1, { tcp = "syn" })
end)

each("corrupt-the-frame", function(net)
  local mac = "02:00:00:00:01:02"
  local bad = net.wan:corrupt { tcp = "syn", nth = 1, layer = "frame", byte = 5, xor = 0x40 }
  dial(net)
  expect(bad.hits):equals(1)
  expect(net.trace:at(net.client)):every { tcp = "syn" }:has { dst_mac = mac }
  -- It is for nobody there.
  expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", dst_mac = "02:00:00:00:01:42", dropped = true })
  expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", dst_mac = mac, dropped = false })
end)

-- What says no layer is about whatever a packet has: a SYN has no payload.
each("corrupt-by-chance", function(net)
  local bad = net.wan:corrupt { tcp = "syn", times = 1, chance = "100%" }
  dial(net)
  expect(bad.hits):equals(1)
  expect(net.trace:at(net.server)):exactly(1, { dropped = true })
  expect(net.trace:at(net.client)):exactly(2, { tcp = "syn" })
end)

each("truncate", function(net)
  local cut = net.wan:truncate { bytes = 200, from = net.server, tcp = "data", nth = 2 }
  fetch(net)
  expect(cut.hits):equals(1)
  expect(net.trace:at(net.client)):exactly(1, { size = 214, dropped = true })
  expect(net.trace:at(net.server)):exactly(1, { tcp = "rexmit", seq = cut.seq })
end)

each("truncate-mended", function(net, ip)
  local cut = net.wan:truncate { bytes = 200, from = net.server, tcp = "data", nth = 2, checksum = "mended" }
  fetch(net)
  local head = ip == 4 and 52 or 72
  expect(net.trace:at(net.client)):includes { from = net.server, seq = cut.seq, len = 200 - head, dropped = false }
  expect(net.trace:at(net.server)):includes { tcp = "rexmit", seq = cut.seq + 200 - head }
end)

each("truncate-what-is-short", function(net)
  local cut = net.wan:truncate { bytes = 1400, from = net.server, tcp = "any", checksum = "mended" }
  net.server:listen(80, function(conn) conn:write "short" conn:close() end)
  expect(net.client:dial { to = net.server, port = 80 }:read_all()):equals "short"
  expect(cut.hits, "nothing was cut"):equals(0)
  fetch(net, 1500, 81)
  expect(cut.hits):at_least(1)
end)

each("replace", function(net)
  local other = net.wan:replace { http = "HTTP/1.1 200", with = "HTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n" }
  local file = net.server:serve { port = 80, body = "secret" }
  local got = net.client:fetch { from = file, timeout = "500ms" }
  expect(got.status):equals(503)
  expect(other.hits):equals(1)
  expect(net.trace:at(net.server)):includes { http = "HTTP/1.1 200" }
  expect(net.trace:at(net.client)):includes { http = "HTTP/1.1 503" }
end)

each("replace-the-whole", function(net, ip)
  local other = ip == 4 and hex "45000014 00000000 40fd7ae3 c0000201 c0000202"
    or hex "60000000 00003b40 20010db8 00000000 00000000 00000001 20010db8 00000000 00000000 00000002"
  net.wan:replace { tcp = "syn", nth = 1, ip = other }
  dial(net)
  expect(net.trace:at(net.client)):exactly(2, { tcp = "syn" })
  expect(net.trace:at(net.server)):exactly(1, { proto = ip == 4 and 253 or 59, src = ip == 4 and "192.0.2.1" or "2001:db8::1" })
end)

-- What is let go leaves then: it stands behind what is on its way, or with now
-- overtakes it.
for _, now in ipairs { false, true } do
  each(now and "hold-release-now" or "hold-release-in-order", function(net, ip)
    local from = net.client:udp {} -- nothing is sent again
    net.server:udp { port = 53 }
    local held = net.wan:hold { from = net.client, payload = "first" }
    from:send("first", { to = net.server, port = 53 })
    from:send("second", { to = net.server, port = 53 })
    must(held:wait(1)):is_true()
    held:release { now = now }
    local first, second = { from = net.client, payload = "first" }, { from = net.client, payload = "second" }
    expect(net.trace:at(net.server)):sequence(now and { first, second } or { second, first })
  end, function(ip) return path { host "client", wire { name = "wan", delay = "2s" }, host "server", ip = ip } end)
end

each("hold", function(net, ip)
  local frozen = net.wan:hold { from = net.server, tcp = "any" }
  local got
  local t = task(function() got = fetch(net) end)
  must(frozen:wait(3)):is_true()
  expect(frozen.held):at_least(3)
  expect(#net.trace:at(net.client):tcp { from = net.server, tcp = "any" }, "what has arrived"):equals(0)
  frozen:release { 3, 1 }
  frozen:disarm()
  frozen:release()
  wait(t)
  expect(frozen.held):equals(0)
  -- The third is short: the server's buffer ended there.
  expect(net.trace:at(net.client)):sequence {
    { from = net.server, seq = 1 + 2 * mss(ip) },
    { from = net.server, seq = 1, len = mss(ip) },
    { from = net.server, seq = 1 + mss(ip), len = mss(ip) },
  }
end)

each("hold-till", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  s:set { nodelay = true }
  net.wan:hold { payload = "first", till = { payload = "second" } }
  s:write "first"
  s:write "second"
  expect(c:read_until "second"):equals "firstsecond"
  expect(net.trace:at(net.client)):sequence { { payload = "second" }, { payload = "first" } }
end)

each("hold-till-one-of-its-own", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  local held = net.wan:hold { from = net.server, tcp = "data", till = { payload = "second" } }
  s:write "first"
  must(held:wait(1)):is_true()
  s:write "second"
  expect(c:read_until "second"):equals "firstsecond"
  expect(held.hits):equals(1)
  expect(net.trace:at(net.client)):sequence { { payload = "second" }, { payload = "first" } }
end)

each("hold-at-most", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  local held = net.wan:hold { from = net.server, tcp = "data", most = "50ms" }
  s:write "late"
  expect(c:read_until "late"):equals "late"
  expect(held.hits):at_least(1)
  expect(held.held):equals(0)
end)

each("down", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  net.wan:down()
  c:write "lost"
  expect(s:read { timeout = "100ms" }):equals ""
  net.wan:up()
  expect(s:read()):equals "lost"
  expect(net.trace:at(net.client)):includes { tcp = "data", dropped = true }
end)

each("down-carrier", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  net.wan:down { carrier = true }
  c:write "lost"
  expect(s:read { timeout = "50ms" }):equals ""
  net.wan:up()
  expect(s:read()):equals "lost"
end)

each("rate", function(net)
  net.wan:set { rate = "4Mbit", queue = "100 packets" }
  local got = fetch(net, 60000)
  -- 60,000 bytes and their headers at 4 Mbit/s are at least 120 ms.
  expect(got.time):at_least(0.12)
  expect(net.trace):includes { from = net.server, queued = ">= 3000" }
  expect(net.trace):never { dropped = true }
end)

each("queue", function(net)
  net.wan:set { rate = "4Mbit", queue = "3 packets" }
  fetch(net, 60000)
  expect(net.trace:at(net.server)):includes { from = net.server, dropped = true }
  -- Nothing enters a full queue, and no more than it has room for waits.
  expect(net.trace):never { dropped = false, queued = ">= 6000" }
end)

each("queue-of-bytes", function(net)
  net.wan:set { rate = "4Mbit", queue = "5KB" }
  fetch(net, 60000)
  expect(net.trace:at(net.server)):includes { from = net.server, dropped = true }
  expect(net.trace):never { queued = ">= 5121" }
end)

-- What the engine makes finds no more room than what hosts send, and is seen to.
each("queue-of-copies", function(net)
  net.wan:set { rate = "1Mbit", queue = "1 packets" }
  net.wan:duplicate { udp = true, copies = 4, gap = "0ms" }
  local from, to = net.client:udp {}, net.server:udp { port = 53 }
  from:send("x", { to = net.server, port = 53 })
  -- One crosses, one waits.
  expect(net.trace:at(net.server)):exactly(2, { udp = true, dropped = false })
  expect(net.trace:at(net.server)):exactly(3, { udp = true, dropped = true, fault = true })
  expect(net.trace:at(net.server):packets({ udp = true, dropped = true })[1].dropped:find "queue full" ~= nil):is_true()
end)

each("queue-of-a-box", function(net)
  net.wan:set { rate = "1Mbit", queue = "1 packets" }
  net.wan:box(function(pkt)
    if pkt.dport ~= 53 then return end
    for _ = 1, 4 do pkt:send { udp = true, dport = 54, payload = "more" } end
  end)
  local from, to = net.client:udp {}, net.server:udp { port = 53 }
  local other = net.server:udp { port = 54 }
  from:send("x", { to = net.server, port = 53 })
  expect(other:receive({ timeout = "5s" }).data):equals "more"
  expect(net.trace:at(net.server)):exactly(1, { dport = 54, dropped = false })
  expect(net.trace:at(net.server)):exactly(3, { dport = 54, dropped = true, fault = true })
end)

each("loss", function(net)
  local lost = net.wan:loss { "20%", from = net.server, tcp = "data" }
  fetch(net, 120000)
  expect(lost.hits):at_least(1)
  expect(#net.trace:at(net.server):packets { dropped = true }):equals(lost.hits)
end)

each("loss-in-bursts", function(net)
  local lost = net.wan:loss { "20%", burst = 3, from = net.server, tcp = "data" }
  local chain = net.wan:loss { p = "1%", r = "50%", bad = "80%", good = "0%", from = net.server, tcp = "rexmit" }
  fetch(net, 120000)
  expect(lost.hits):at_least(1)
  expect(#net.trace:at(net.server):packets { dropped = true }):equals(lost.hits + chain.hits)
end)

each("loss-of-a-wire", function(net)
  fetch(net, 60000)
  expect(net.trace):includes { dropped = true }
end, function(ip) return path { host "client", wire { name = "wan", loss = "10%" }, host "server", ip = ip } end)

each("jitter-of-a-wire", function(net)
  fetch(net, 60000)
  -- Order is kept.
  expect(net.trace):never { tcp = "rexmit", original = "lost" }
  expect(net.trace):never { from = net.client, sack = true }
end, function(ip) return path { host "client", wire { name = "wan", delay = "5ms", jitter = "4ms" }, host "server", ip = ip } end)

-- An expectation holds as soon as the trace shows it, though what is held back
-- is sent again and again and the wires do not come to rest.
each("hold-and-expect", function(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l }
  local s = l:accept()
  local held = net.wan:hold { from = net.client, payload = "held" }
  c:write "held"
  must(held:wait(1, { timeout = "3s" })):is_true()
  s:write "answer"
  expect(net.trace:at(net.client)):includes { from = net.server, payload = "answer" }
  held:release()
end)
