-- Every header field that can be rewritten: it is what it was set to where the
-- packet arrives, and what the receiver makes of it.

local function rewrite(name, o)
  for _, ip in ipairs(o.ip or { 4, 6 }) do
    scenario("rewrite-" .. name .. "-v" .. ip) {
      tags = { "fault" },
      topology = path { host "client", wire { name = "wan", delay = "1ms" }, host "server", ip = ip },
      run = function(net)
        local match = { from = net.client, tcp = o.tcp or "syn", nth = o.nth, set = o.set, times = o.times }
        local changed = net.wan:rewrite(match)
        local l = net.server:listen(80)
        local c, err = net.client:dial { to = l, timeout = "300ms" }
        if o.dial then expect(err):equals(o.dial) else expect(err):is_nil() end
        if c then
          c:write "hello"
          if not o.dial then
            local s = l:accept()
            local got, err = s:read { timeout = o.wait }
            expect(got):equals(o.got or "hello")
          end
        end
        expect(changed.hits):at_least(1)
        local want = { from = not o.stranger and net.client or nil, dropped = false }
        for k, v in pairs(o.want) do want[k] = v end
        expect(net.trace:at(net.server)):includes(want)
        expect(net.trace:at(net.client)):includes { from = net.client, fault = true }
        if o.more then o.more(net, l) end
      end,
    }
  end
end

rewrite("ttl", { set = { ttl = 3 }, want = { tcp = "syn", ttl = 3 } })
rewrite("ttl-less", { set = { ttl = "-1" }, want = { tcp = "syn", ttl = 63 } })
rewrite("dscp", { set = { dscp = 46 }, want = { tcp = "syn", dscp = 46 } })
rewrite("ecn", { set = { ecn = 3 }, tcp = "data", want = { payload = "hello", ecn = 3 } })
rewrite("ip_id", { ip = { 4 }, set = { ip_id = 4711 }, want = { tcp = "syn", ip_id = 4711 } })
rewrite("df", { ip = { 4 }, set = { df = false }, want = { tcp = "syn", df = false } })
rewrite("flow_label", { ip = { 6 }, set = { flow_label = 0xabcde }, want = { tcp = "syn", flow_label = 0xabcde } })
rewrite("flags", { set = { flags = "SEW" }, want = { flags = "SWE" } })
rewrite("win", { set = { win = 100 }, want = { tcp = "syn", win = 100 } })
rewrite("mss", { set = { mss = 600 }, want = { tcp = "syn", mss = 600 } })
rewrite("wscale", { set = { wscale = 2 }, want = { tcp = "syn", wscale = 2 } })
rewrite("wscale-stripped", { set = { wscale = false }, want = { tcp = "syn", wscale = false } })
rewrite("sack-stripped", { set = { sack_permitted = false }, want = { tcp = "syn", sack_permitted = false } })
rewrite("timestamps-stripped", { set = { timestamps = false }, want = { tcp = "syn", timestamps = false },
  more = function(net) expect(net.trace):includes { from = net.server, tcp = "synack", timestamps = false } end })
rewrite("tsval", { set = { tsval = 1000 }, want = { tcp = "syn", tsval = 1000 },
  more = function(net) expect(net.trace):includes { from = net.server, tcp = "synack", tsecr = 1000 } end, dial = "timeout" })
rewrite("tsecr", { tcp = "data", times = 1, set = { tsecr = 5 }, want = { payload = "hello", tsecr = 5 } })
rewrite("sport", { times = 1, set = { sport = 4 }, dial = "timeout", want = { tcp = "syn", sport = 4 } })
rewrite("src-v4", { ip = { 4 }, times = 1, set = { src = "10.0.1.9" }, dial = "timeout", want = { tcp = "syn", src = "10.0.1.9" }, stranger = true })
rewrite("src-v6", { ip = { 6 }, times = 1, set = { src = "fd00:0:0:1::9" }, dial = "timeout", want = { tcp = "syn", src = "fd00:0:0:1::9" }, stranger = true })
rewrite("seq", { tcp = "data", times = 1, set = { seq = "+100000000" }, want = { payload = "hello", seq = 100000001 } })
rewrite("ack", { tcp = "data", times = 1, set = { ack = 5000 }, want = { payload = "hello", ack = 5000 } })
rewrite("urgent", { tcp = "data", set = { urgent = 1 }, want = { payload = "hello", urgent = 1 } })
rewrite("dport", { set = { dport = 81 }, dial = "timeout", want = { tcp = "syn", dport = 81 } })
rewrite("payload", { tcp = "data", set = { payload = "HELLO, WORLD" }, want = { payload = "HELLO, WORLD" }, got = "HELLO, WORLD" })
rewrite("macs", { set = { src_mac = "02:00:00:00:00:99" }, want = { tcp = "syn", src_mac = "02:00:00:00:00:99" } })

rewrite("dst_mac", { times = 1, set = { dst_mac = "02:00:00:00:00:99" }, dial = "timeout", want = { tcp = "syn", dst_mac = "02:00:00:00:00:99", dropped = true } })
rewrite("ether_type", { times = 1, set = { ether_type = 0x88b5 }, dial = "timeout", want = { ether_type = 0x88b5 }, stranger = true,
  more = function(net) expect(net.trace:at(net.server)):never { tcp = "syn", rexmit = 0 } end })
rewrite("dst-v4", { ip = { 4 }, times = 1, set = { dst = "10.0.1.9" }, dial = "timeout", want = { tcp = "syn", dst = "10.0.1.9" } })
rewrite("dst-v6", { ip = { 6 }, times = 1, set = { dst = "fd00:0:0:1::9" }, dial = "timeout", want = { tcp = "syn", dst = "fd00:0:0:1::9" } })
rewrite("proto", { times = 1, set = { proto = 253 }, dial = "timeout", want = { proto = 253 },
  more = function(net)
    -- Of a protocol that it does not have the server says so (RFC 1122, section 3.2.2.1; RFC 8200, section 4).
    expect(net.trace:at(net.client)):includes { from = net.server, proto = net.server.addr:find ":" and "icmpv6" or "icmp" }
  end })

for _, ip in ipairs { 4, 6 } do
  local function line() return path { host "client", wire { name = "wan", delay = "1ms" }, host "server", ip = ip } end

  scenario("rewrite-sack-blocks-stripped-v" .. ip) {
    tags = { "fault" }, topology = line(),
    run = function(net)
      net.wan:drop { from = net.server, tcp = "data", nth = 2 }
      local stripped = net.wan:rewrite { from = net.client, sack = true, set = { sack = false } }
      local file = net.server:serve { port = 80, body = ("x"):rep(10000) }
      expect(net.client:fetch { from = file, timeout = "8s" }.bytes):equals(10000)
      expect(stripped.hits):at_least(1)
      expect(net.trace:at(net.client)):every { from = net.client, sack = true }:has { fault = true }
      expect(net.trace:at(net.server)):never { sack = true }
      -- The rest of such a segment is as it was, and its checksum right.
      expect(net.trace:at(net.server)):never { dropped = true, from = net.client }
    end,
  }

  scenario("rewrite-checksum-kept-v" .. ip) {
    tags = { "fault" }, topology = line(),
    run = function(net)
      local wrong = net.wan:rewrite { from = net.client, tcp = "syn", nth = 1, set = { win = 100 }, checksum = "kept" }
      local l = net.server:listen(80)
      expect(net.client:dial { to = l, timeout = "9s" }.peer.port):equals(80)
      expect(wrong.hits):equals(1)
      -- The receiver threw the first away, and only that.
      expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", win = 100, dropped = true })
      expect(net.trace:at(net.server)):exactly(1, { tcp = "syn", dropped = false })
      expect(net.trace:at(net.server)):exactly(1, { tcp = "synack" })
    end,
  }

  local function icmp(name, set, want, answered)
    scenario("rewrite-icmp-" .. name .. "-v" .. ip) {
      tags = { "fault" }, topology = line(),
      run = function(net)
        local changed = net.wan:rewrite { from = net.client, icmp = "echo-request", set = set }
        net.client:ping { to = net.server, timeout = "200ms" }
        expect(changed.hits):equals(1)
        want.from, want.dropped = net.client, false
        expect(net.trace:at(net.server)):exactly(1, want)
        -- The kernel answers what has a right checksum alone.
        if answered then
          answered.icmp = "echo-reply"
          expect(net.trace:at(net.client)):exactly(1, answered)
        else
          expect(net.trace):never { icmp = "echo-reply", from = net.server }
        end
      end,
    }
  end
  icmp("id", { icmp_id = 4711 }, { icmp = "echo-request", icmp_id = 4711 }, { icmp_id = 4711 })
  icmp("seq", { icmp_seq = 4712 }, { icmp = "echo-request", icmp_seq = 4712 }, { icmp_seq = 4712 })
  icmp("code", { icmp_code = 7 }, { icmp_type = ip == 4 and 8 or 128, icmp_code = 7 }, {})
  icmp("type", { icmp_type = ip == 4 and 0 or 129 }, { icmp = "echo-reply" })

  local function trunk()
    return graph {
      ip = ip, nodes = { host "a", host "b", host "d", switch "s1", switch "s2" },
      links = {
        { "a", wire { vlan = 10 }, "s1" }, { "b", wire { vlan = 10 }, "s2" }, { "d", wire { vlan = 20 }, "s2" },
        { "s1", wire { name = "trunk", trunk = { 10, 20 } }, "s2" },
      },
    }
  end

  scenario("rewrite-vlan-v" .. ip) {
    tags = { "fault" }, topology = trunk(),
    run = function(net)
      local changed = net.trunk:rewrite { vlan = 10, tcp = "syn", times = 1, set = { vlan = 20 } }
      local l = net.b:listen(80)
      expect(net.a:dial { to = l, timeout = "9s" }.peer.port):equals(80)
      expect(changed.hits):equals(1)
      expect(net.trace:at(net.s2)):exactly(1, { tcp = "syn", vlan = 20, toward = net.s2 })
      -- The other VLAN has it, and b the second alone.
      expect(net.trace:at(net.d)):exactly(1, { tcp = "syn", to = net.b, rexmit = 0 })
      expect(net.trace:at(net.b)):exactly(1, { tcp = "syn" })
    end,
  }

  scenario("rewrite-pcp-v" .. ip) {
    tags = { "fault" }, topology = trunk(),
    run = function(net)
      local changed = net.trunk:rewrite { pcp = 0, tcp = "syn", set = { pcp = 5 } }
      local l = net.b:listen(80)
      expect(net.a:dial { to = l }.peer.port):equals(80)
      expect(changed.hits):equals(1)
      expect(net.trace:at(net.s1)):exactly(1, { tcp = "syn", vlan = 10, pcp = 0, fault = true })
      expect(net.trace:at(net.s2)):exactly(1, { tcp = "syn", vlan = 10, pcp = 5 })
      expect(net.trace:at(net.b)):exactly(1, { tcp = "syn", dropped = false })
    end,
  }
end
