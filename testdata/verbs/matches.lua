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
        local copy = { gap = "0ms" }
        for k, v in pairs(match) do copy[k] = v end
        local hit = net.wan:duplicate(copy)
        o.run(net)
        local left = 0
        for _, p in ipairs(net.trace:packets(match)) do
          if p.left then left = left + 1 end
        end
        expect(hit.hits, "hits"):equals(left)
        if o.times then expect(hit.hits):equals(o.times) else expect(hit.hits):at_least(1) end
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
      expect(net.trace:at(net.server)):includes { udp = true, dport = 5001, payload = "hello", harmed = true }
      expect(net.trace:at(net.client)):includes { icmp = "port-unreachable" }
    end,
  }
end
