-- Every key of a match, as a fault on a wire uses it while packets pass and as an
-- expectation uses it on the trace: both mean the same packets.

local tls = require "tls"

-- means makes a scenario: the packets that the fault hits are those that the
-- expectation finds where they left, and there are as many as said.
local function means(name, o)
  for _, ip in ipairs(o.ip or { 4, 6 }) do
    scenario("match-" .. name .. "-v" .. ip) {
      tags = { "fault" },
      topology = path { host "client", wire { name = "wan", delay = "1ms" }, host "server", ip = ip },
      run = function(net)
        local match = type(o.match) == "function" and o.match(net) or o.match
        local copy = { gap = "0ms", optional = o.none }
        for k, v in pairs(match) do copy[k] = v end
        local hit = net.wan:duplicate(copy)
        o.run(net)
        local left = 0
        for _, p in ipairs(net.trace:packets(match)) do
          if p.left then left = left + 1 end
        end
        expect(hit.hits, "hits"):equals(left)
        if o.none then expect(hit.hits):equals(0) elseif o.times then expect(hit.hits):equals(o.times) else expect(hit.hits):at_least(1) end
      end,
    }
  end
end

local function fetch(net)
  local file = net.server:serve { port = 80, body = ("x"):rep(4000) }
  expect(net.client:fetch { from = file, timeout = "5s" }):succeeds()
end

local function secure(net)
  local site = net.server:tls { port = 443, body = "secret", chain = tls.chain { bytes = 5000 } }
  expect(net.client:fetch { from = site, timeout = "5s" }):succeeds()
end

means("from", { match = function(net) return { from = net.client, tcp = "syn" } end, run = fetch, times = 1 })
means("to", { match = function(net) return { to = net.client, tcp = "synack" } end, run = fetch, times = 1 })
means("toward", { match = function(net) return { toward = net.client, tcp = "synack" } end, run = fetch, times = 1 })
means("ports", { match = { sport = 40000, dport = 80, tcp = "syn" }, run = fetch, times = 1 })
means("seq", { match = { seq = 1, tcp = "data", dport = 80 }, run = fetch, times = 1 })
means("flags", { match = { flags = "S." }, run = fetch, times = 1 })
means("len", { match = { len = ">= 1000" }, run = fetch })
means("size", { match = { size = "1..80", tcp = "syn" }, ip = { 4 }, run = fetch, times = 1 })
means("payload", { match = { payload = "GET /" }, run = fetch, times = 1 })
means("http-request", { match = { http = "GET /" }, run = fetch, times = 1 })
means("http-response", { match = { http = "HTTP/1.1 200" }, run = fetch, times = 1 })
means("tls-client-hello", { match = { tls = "client-hello" }, run = secure, times = 1 })
means("tls-server-hello", { match = { tls = "server-hello" }, run = secure, times = 1 })
means("tls-application-data", { match = { tls = "application-data" }, run = secure })
means("mss", { match = { mss = ">= 1000", tcp = "syn" }, run = fetch, times = 1 })
means("no-mss", { match = { mss = false, tcp = "fin" }, run = fetch })
means("wscale", { match = { wscale = "0..14", tcp = "syn" }, run = fetch, times = 1 })
means("tsval", { match = { tsval = ">= 0", tcp = "syn" }, run = fetch, times = 1 })
means("sack-permitted", { match = { sack_permitted = true, tcp = "synack" }, run = fetch, times = 1 })
means("ttl", { match = { ttl = 64, tcp = "syn" }, run = fetch, times = 1 })
means("df", { match = { df = true, tcp = "syn" }, ip = { 4 }, run = fetch, times = 1 })
means("proto", { match = { proto = "tcp", flags = "S" }, run = fetch, times = 1 })
means("src", { match = { src = "10.0.1.1", flags = "S" }, ip = { 4 }, run = fetch, times = 1 })
means("src-prefix", { match = { src = "fd00:0:0:1::/64", flags = "S" }, ip = { 6 }, run = fetch, times = 1 })
means("dst-host", { match = function(net) return { dst = net.server, flags = "S" } end, run = fetch, times = 1 })
means("macs", { match = { src_mac = "02:00:00:00:01:01", tcp = "syn" }, run = fetch, times = 1 })
means("ether-type", { match = { ether_type = 0x0800, tcp = "syn" }, ip = { 4 }, run = fetch, times = 1 })
means("ip-len", { match = { ip_len = 60, tcp = "syn" }, ip = { 4 }, run = fetch, times = 1 })

for _, ip in ipairs { 4, 6 } do
  local function line(o) return path { host "client", wire { name = "wan", delay = "1ms" }, host "server", ip = ip } end

  scenario("match-rexmit-v" .. ip) {
    topology = line(),
    run = function(net)
      -- The SYN, its first and its second retransmission.
      net.wan:drop { tcp = "syn", rexmit = "0..1" }
      local l = net.server:listen(80)
      expect(net.client:dial { to = l, timeout = "8s" }.peer.port):equals(80)
      expect(net.trace:at(net.client)):exactly(3, { flags = "S" })
      expect(net.trace:at(net.client)):exactly(1, { flags = "S", rexmit = 2, dropped = false })
    end,
  }

  scenario("match-conn-v" .. ip) {
    topology = line(),
    run = function(net)
      local l = net.server:listen(80)
      local one, two = net.client:dial { to = l }, net.client:dial { to = l }
      local lost = net.wan:drop { conn = one, tcp = "data", times = 1 }
      local a, b = l:accept(), l:accept()
      one:write "one"
      two:write "two"
      expect(a:read()):equals "one"
      expect(b:read()):equals "two"
      expect(lost.hits):equals(1)
      expect(net.trace:conn(two)):never { dropped = true }
    end,
  }

  scenario("match-icmp-v" .. ip) {
    topology = line(),
    run = function(net)
      local lost = net.wan:drop { icmp = "echo-reply", icmp_id = 7 }
      net.wan:inject { from = net.client, toward = net.server, icmp = "echo-request", icmp_id = 7, icmp_seq = 1, payload = "ping" }
      net.wan:inject { from = net.client, toward = net.server, icmp = "echo-request", icmp_id = 8, icmp_seq = 1, payload = "ping" }
      expect(net.trace:at(net.client)):exactly(1, { icmp = "echo-reply", icmp_id = 8 })
      expect(net.trace:at(net.server)):exactly(2, { icmp = "echo-reply" })
      expect(lost.hits):equals(1)
    end,
  }

  scenario("match-udp-v" .. ip) {
    topology = line(),
    run = function(net)
      -- Nobody listens: the host answers.
      net.wan:inject { from = net.client, toward = net.server, udp = true, sport = 5000, dport = 5001, payload = "hello" }
      expect(net.trace:at(net.server)):includes { udp = true, dport = 5001, payload = "hello", fault = true }
      expect(net.trace:at(net.client)):includes { icmp = "port-unreachable" }
    end,
  }
end

-- marked is a fetch whose packets have a DSCP and ECN from both sides, or answers
-- to what is asked.
local function ecn(net)
  net.client:sysctl("net.ipv4.tcp_ecn", 1)
  net.server:sysctl("net.ipv4.tcp_ecn", 1)
  fetch(net)
end

-- said opens a connection that says a word in each direction.
local function said(net)
  local l = net.server:listen(80)
  local c = net.client:dial { to = l, tos = 0xb8 }
  local s = l:accept()
  c:write "hello"
  expect(s:read()):equals "hello"
  s:write "welcome"
  expect(c:read()):equals "welcome"
  return c, s
end

local function ping(net) expect(net.client:ping({ to = net.server, count = 3, timeout = "5s" }).received):equals(3) end

means("ack", { match = { ack = 6, len = 7 }, run = said, times = 1 })
means("win", { match = { win = "64000..65535", tcp = "syn" }, run = said, times = 1 })
means("no-win", { match = { win = "0..100", tcp = "synack" }, run = function(net)
  net.client:fetch { from = net.server:serve { port = 80, body = "x" }, rcvbuf = "2KB", timeout = "5s" }
end, none = true })
means("no-urgent", { match = { urgent = 0, payload = "hello" }, run = said, times = 1 })
means("dscp", { match = { dscp = 46, tcp = "syn" }, run = said, times = 1 })
means("no-dscp", { match = { dscp = 0, tcp = "synack" }, run = said, times = 1 })
means("ecn", { match = { ecn = "1..2", tcp = "any" }, run = ecn })
means("no-ecn", { match = { ecn = 0, flags = "SEW" }, run = ecn, times = 1 })
means("ip-id", { match = { ip_id = 0, tcp = "synack" }, ip = { 4 }, run = said, times = 1 })
means("flow-label", { match = { flow_label = ">= 1", tcp = "syn" }, ip = { 6 }, run = function(net)
  net.client:sysctl("net.ipv6.auto_flowlabels", 3)
  said(net)
end, times = 1 })
means("no-flow-label", { match = { flow_label = 0, tcp = "syn" }, ip = { 6 }, run = function(net)
  net.client:sysctl("net.ipv6.auto_flowlabels", 0)
  said(net)
end, times = 1 })
means("tsecr", { match = { tsecr = 0, tcp = "syn" }, run = said, times = 1 })
means("later-tsecr", { match = { tsecr = ">= 1", tcp = "synack" }, run = said, times = 1 })
means("no-tsval", { match = { tsval = false, tcp = "syn" }, run = function(net)
  net.client:sysctl("net.ipv4.tcp_timestamps", 0)
  said(net)
end, times = 1 })
means("dst-mac", { match = function(net) return { dst_mac = "02:00:00:00:01:02", tcp = "syn" } end, run = said, times = 1 })
means("port", { match = { port = 80, payload = "hello" }, run = said, times = 1 })
means("port-of-either", { match = { port = 80, flags = "S." }, run = said, times = 1 })
means("other-port", { match = { port = 81 }, run = said, none = true })
means("icmp-type", { match = { icmp_type = 8 }, ip = { 4 }, run = ping, times = 3 })
means("icmp-type-6", { match = { icmp_type = 128 }, ip = { 6 }, run = ping, times = 3 })
means("icmp-code", { match = { icmp_code = 0, icmp = "echo-reply" }, run = ping })
means("other-icmp-code", { match = { icmp_code = ">= 1" }, run = ping, none = true })
means("icmp-seq", { match = { icmp_seq = 2, icmp = "echo-request" }, run = ping, times = 1 })

-- What is in the clear of a handshake of TLS 1.2 (RFC 5246, section 7.3) and of
-- TLS 1.3, that of one whose ends have no version in common.
local function old(net)
  local site = net.server:tls { port = 443, body = "secret", ssl_protocols = { "TLSv1.2" } }
  expect(net.client:fetch { from = site, timeout = "5s" }):succeeds()
end
local function apart(net)
  local site = net.server:tls { port = 443, body = "secret", ssl_protocols = { "TLSv1.3" } }
  expect(net.client:fetch { from = site, ssl_protocols = { "TLSv1.2" }, timeout = "5s" }):fails()
end
for _, message in ipairs { "certificate", "server-key-exchange", "server-hello-done", "client-key-exchange" } do
  means("tls-" .. message, { match = { tls = message }, run = old, times = 1 })
  means("tls-13-has-no-" .. message, { match = { tls = message }, run = secure, none = true })
end
means("tls-change-cipher-spec", { match = { tls = "change-cipher-spec" }, run = old, times = 2 })
means("tls-alert", { match = { tls = "alert" }, run = apart, times = 1 })

for _, ip in ipairs { 4, 6 } do
  scenario("match-urgent-v" .. ip) {
    tags = { "fault" },
    topology = path { host "client", wire { name = "wan" }, router "edge", wire { name = "lan" }, host "server", ip = ip },
    run = function(net)
      net.wan:rewrite { payload = "urgent", set = { urgent = 3 } }
      local seen = net.lan:duplicate { urgent = ">= 1" }
      local c, s = said(net)
      c:write "urgent"
      expect(s:read()):equals "urgent"
      expect(seen.hits):equals(1)
      expect(net.trace:at(net.server)):exactly(2, { payload = "urgent", urgent = 3 })
      expect(net.trace:at(net.server)):never { payload = "hello", urgent = ">= 1" }
    end,
  }

  -- Chance decides about any fault, and the trace shows about which packets.
  for verb, o in pairs {
    rewrite = { { set = { ttl = 9 } }, { ttl = 9, fault = false }, 0 },
    duplicate = { {}, { ttl = 64 }, 200 },
    delay = { { by = "3ms" } },
    corrupt = { { byte = 0, xor = 1 }, { payload = "y", dropped = true }, 0 },
  } do
    scenario("match-chance-of-" .. verb .. "-v" .. ip) {
      tags = { "fault" },
      topology = path { host "client", wire { name = "wan", delay = "1ms" }, host "server", ip = ip },
      run = function(net)
        o[1].udp, o[1].chance = true, "30%"
        local by_chance = net.wan[verb](net.wan, o[1])
        local from, to = net.client:udp {}, net.server:udp { port = 53 }
        for _ = 1, 200 do from:send("x", { to = net.server, port = 53 }) end
        expect(net.trace:at(net.client)):exactly(200, { udp = true })
        -- 60 on average; what is drawn is the seed's.
        expect(net.trace:at(net.client)):exactly(by_chance.hits, { udp = true, fault = true })
        expect(by_chance.hits):between(30, 90)
        if o[2] then expect(net.trace:at(net.server):count(o[2])):equals(o[3] + by_chance.hits) end
        expect(net.trace:at(net.server)):includes { udp = true }
      end,
    }
  end
end
