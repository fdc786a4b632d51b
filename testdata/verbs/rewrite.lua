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
        expect(net.trace:at(net.client)):includes { from = net.client, harmed = true }
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
