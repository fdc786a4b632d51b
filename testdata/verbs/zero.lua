-- Zero is zero: what matches nothing, loses 0 % or delays by 0 ms changes nothing.

local function exchange(net)
  local lost = net.wan:drop { from = net.server, tcp = "data", nth = 2 }
  local file = net.server:serve { port = 80, body = ("x"):rep(30000) }
  expect(net.client:fetch { from = file }.bytes):equals(30000)
end

-- Every scenario is the same exchange and is held to the same golden trace.
local function same(name, wire_options, harm)
  wire_options.name, wire_options.delay = "wan", wire_options.delay or "20ms"
  scenario("zero-" .. name) {
    tags = { "zero" },
    topology = path { host "client", wire(wire_options), host "server" },
    run = function(net)
      if harm then harm(net) end
      exchange(net)
      expect(net.trace):matches "zero"
      expect(net.trace):never { tcp = "rto" }
    end,
  }
end

same("nothing", {})
same("no-jitter", { jitter = "0ms" })
same("no-loss", { loss = "0%" })
same("a-wide-wire", { rate = "100Gbit", queue = "100MB" })
same("faults-that-match-nothing", {}, function(net)
  net.wan:drop { dport = 81, optional = true }
  net.wan:delay { by = "1s", payload = "nobody says this", optional = true }
  net.wan:duplicate { tls = "client-hello", optional = true }
  net.wan:rewrite { ttl = 1, set = { ttl = 9 }, optional = true }
  net.wan:hold { tcp = "rst", optional = true }
  net.wan:drop { where = function() return false end, optional = true }
end)
same("a-loss-of-nothing", {}, function(net) net.wan:loss "0%" net.wan:loss { "0%", burst = 5 } end)
same("a-delay-of-nothing", {}, function(net) net.wan:delay { by = "0ms" } end)
same("a-box-that-looks", {}, function(net) net.wan:box(function() end) end)
same("a-chance-of-nothing", {}, function(net)
  net.wan:corrupt { chance = "0%" }
  net.wan:reorder { chance = "0%" }
end)
