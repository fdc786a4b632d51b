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

each("delay-jitter", function(net)
  local late = net.wan:delay { by = "5ms", jitter = "5ms", from = net.server, tcp = "data" }
  fetch(net)
  expect(late.hits):at_least(5)
  expect(net.trace:at(net.server)):every { from = net.server, tcp = "data" }:has { harmed = true }
end)

each("duplicate", function(net, ip)
  local twice = net.wan:duplicate { from = net.server, tcp = "data", nth = 2, copies = 2, gap = "1ms" }
  fetch(net)
  expect(net.trace:at(net.server)):exactly(1, { from = net.server, seq = twice.seq })
  expect(net.trace:at(net.client)):exactly(3, { from = net.server, seq = twice.seq, len = mss(ip) })
  expect(net.trace:at(net.client)):exactly(2, { from = net.server, seq = twice.seq, harmed = true })
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

each("corrupt-any", function(net)
  local bad = net.wan:corrupt { from = net.server, tcp = "data", layer = "transport", nth = 1 }
  fetch(net)
  expect(bad.hits):equals(1)
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
  net.wan:hold { payload = "first", till = { payload = "second" } }
  s:write "first"
  net.wan:delay { by = "1ms", payload = "nothing", optional = true }
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
