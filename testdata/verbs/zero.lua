-- Zero is zero: what matches nothing, loses 0 % or delays by 0 ms changes nothing.

local function exchange(net)
  local lost = net.wan:drop { from = net.server, tcp = "data", nth = 2 }
  local file = net.server:serve { port = 80, body = ("x"):rep(30000) }
  expect(net.client:fetch { from = file }.bytes):equals(30000)
end

-- Every scenario is the same exchange and is held to the same golden trace, one
-- for each version of IP.
local function same(name, wire_options, harm, needs)
  wire_options.name, wire_options.delay = "wan", wire_options.delay or "20ms"
  for _, ip in ipairs { 4, 6 } do
    scenario("zero-" .. name .. "-v" .. ip) {
      tags = { "zero" },
      needs = needs,
      topology = path { host "client", wire(wire_options), host "server", ip = ip },
      run = function(net)
        local check = harm and harm(net)
        exchange(net)
        if check then check() end
        expect(net.trace):matches("zero-v" .. ip)
        expect(net.trace):never { tcp = "rto" }
        expect(net.trace):never { fault = true }
        expect(net.trace):exactly(1, { dropped = true })
      end,
    }
  end
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
same("rules-that-match-nothing", {}, function(net)
  local rules = {
    net.server:drop { ["in"] = true, tcp = 81, optional = true },
    net.server:reject { ["in"] = true, tcp = 80, flags = "SF", optional = true },
    net.client:drop { out = true, udp = true, optional = true },
    net.client:drop { out = true, tcp = 80, size = ">= 1501", optional = true },
  }
  return function()
    for _, r in ipairs(rules) do expect(r.hits):equals(0) end
  end
end, { "nftables" })
same("a-set-of-what-is-so", {}, function(net)
  net.wan:set { delay = "20ms", jitter = "0ms" }
  net.wan:set { delay = "20ms" }
end)
same("a-fault-that-has-ended", {}, function(net) net.wan:drop { tcp = "any", optional = true }:disarm() end)
same("down-and-up", {}, function(net)
  net.wan:down()
  net.wan:up()
end)
