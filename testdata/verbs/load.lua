-- Load: many connections from one host, each accounted for.

local function lab() return path { host "client", wire { name = "lan" }, host "server" } end

local function case(name, run, o)
  o = o or {}
  scenario("load-" .. name) { tags = { "load" }, topology = o.topology or lab(), timeout = o.timeout, run = run }
end

-- sum of a table of counts.
local function sum(t)
  local n = 0
  for _, v in pairs(t) do n = n + v end
  return n
end

-- accounted holds for every load.
local function accounted(got)
  expect(sum(got.outcomes), "each request has an outcome"):equals(got.requests)
  expect(sum(got.ended), "each connection has an end"):equals(got.connections)
  local inside = 0
  for _, b in ipairs(got.latency:buckets()) do inside = inside + b.count end
  expect(inside, "each answer is in a bucket"):equals(got.answered)
end

case("thousand-tls", function(net)
  local site = net.server:tls { port = 443, backlog = 4096, body = "hello" }
  local got = net.client:load { from = site, connections = 1000, requests = 2000, timeout = "30s" }
  accounted(got)
  expect(got):succeeds()
  expect(got.outcomes["200"]):equals(2000)
  expect(got.connections):equals(1000)
  expect(got.peak, "they stood at once"):equals(1000)
  expect(got.ended["client closed"]):equals(1000)
  expect(got.handshake.count):equals(1000)
  expect(site.accepted):equals(1000)
  expect(#site:requests()):equals(2000)
  expect(#net.trace:connections()):equals(1000)
end, { timeout = "120s" })

case("ten-thousand-short", function(net)
  local site = net.server:serve { port = 80, backlog = 4096, routes = { ["/"] = { body = "x", close = true } } }
  local got = net.client:load { from = site, connections = 50, requests = 10000, reuse = false, timeout = "30s" }
  accounted(got)
  expect(got):succeeds()
  expect(got.connections):equals(10000)
  expect(got.ended["server closed"]):equals(10000)
  expect(got.peak):at_most(50)
  expect(site.accepted):equals(10000)
  expect(net.server.counters.PassiveOpens):equals(10000)
  expect(net.client.counters.ActiveOpens):equals(10000)
  expect(#net.trace:connections()):equals(10000)
end, { timeout = "120s" })

case("open-loop", function(net)
  -- The wire stalls for a while: what was due meanwhile was due all the same, and
  -- says how long it waited.
  local site = net.server:serve { port = 80, body = "x" }
  local pause = net.lan:hold { from = net.client, tcp = "any" }
  task(function()
    pause:wait(4) -- every connection has asked
    sleep "500ms"
    pause:disarm()
    pause:release()
  end)
  local got = net.client:load { from = site, connections = 4, rate = 100, lasts = "1s" }
  accounted(got)
  expect(got):succeeds()
  expect(got.requests):equals(100)
  expect(got.time):at_least(0.98)
  expect(got.latency.max):at_least(0.5)
  expect(got.latency:percentile(75), "many waited, though only four were stuck"):at_least(0.1)
  expect(got.late):at_least(0.3)
  expect(got.peak):equals(4)
end)

case("overload", function(net)
  -- One connection, and answers that take longer than the rate allows.
  local site = net.server:serve { port = 80, delay = "300ms", body = "x" }
  local got = net.client:load { from = site, connections = 1, rate = 50, requests = 10, timeout = "200ms" }
  accounted(got)
  expect(got.requests):equals(10)
  expect(got.answered):equals(0)
  expect(got.late):at_least(0.15)
end)

case("every-end", function(net)
  -- Of ten connections two are never answered, two refused, two reset with the
  -- request, two closed by the server and two by the client.
  net.lan:box(function(pkt)
    if pkt.sport == 40000 or pkt.sport == 40001 then return false end
    if pkt.syn and (pkt.sport == 40002 or pkt.sport == 40003) or pkt.len > 0 and (pkt.sport == 40004 or pkt.sport == 40005) then
      pkt:answer { flags = "R." }
      return false
    end
  end)
  local site = net.server:serve { port = 80, routes = { ["/"] = { body = "x" }, ["/last"] = { body = "x", close = true, status = 503 } } }
  local got = net.client:load { from = site, connections = 1, requests = 8, reuse = false, timeout = "300ms" }
  accounted(got)
  expect(got.outcomes):has { ["connect timeout"] = 2, ["connect ECONNREFUSED"] = 2, ["read ECONNRESET"] = 2, ["200"] = 2 }
  expect(got.ended):has { ["connect timeout"] = 2, ["connect ECONNREFUSED"] = 2, ["read ECONNRESET"] = 2, ["client closed"] = 2 }
  local last = net.client:load { from = site, path = "/last", connections = 2, requests = 2 }
  accounted(last)
  expect(last.outcomes):has { ["503"] = 2 }
  expect(last.ended):has { ["server closed"] = 2 }
  expect(got.error):equals "6 of 8 requests failed: 2 connect ECONNREFUSED, 2 connect timeout, 2 read ECONNRESET"
  expect(got.connect.count):equals(4)
  expect(last):succeeds()
end)

case("resumption", function(net)
  -- Clients are strangers unless they are told to share what they were given.
  local site = net.server:tls { port = 443, ssl_protocols = { "TLSv1.2" }, body = "x" }
  for i, tickets in ipairs { false, true } do
    local got = net.client:load { from = site, connections = 1, requests = 3, reuse = false, ssl_session_tickets = tickets }
    accounted(got)
    expect(got):succeeds()
    expect(net.trace:at(net.client):count { from = net.server, tls = "certificate" }):equals(tickets and 4 or 3)
  end
end)
