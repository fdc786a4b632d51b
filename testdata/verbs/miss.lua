-- Lookups that miss their connection: each kind of segment, in both versions of IP.

local function each(name, o, run)
  for _, ip in ipairs { 4, 6 } do
    scenario("miss-" .. name .. "-v" .. ip) {
      tags = { "kernel", "race" },
      needs = { "root" },
      topology = path { host "client", wire { name = "lan" }, host "server", ip = ip },
      run = function(net)
        local race, why = net.server:lookup_miss(o)
        must(why):is_nil()
        local l = net.server:listen(80)
        local c = net.client:dial { to = l }
        local s = l:accept()
        run(net, c, s, race)
      end,
    }
  end
end

local function reset(net, race)
  expect(net.trace:at(net.server)):includes { from = net.server, flags = "R", win = 0 }
  expect(race.hits):equals(1)
end

each("data", { port = 80, tcp = "data" }, function(net, c, s, race)
  c:write "one"
  expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
  expect(s:info().state):equals "ESTABLISHED"
  reset(net, race)
end)

each("second-data", { port = 80, tcp = "data", nth = 2 }, function(net, c, s, race)
  c:write "one"
  expect(s:read()):equals "one"
  expect(race.hits):equals(0)
  c:write "two"
  expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
  reset(net, race)
end)

each("fin", { port = 80, tcp = "fin" }, function(net, c, s, race)
  c:shutdown "write"
  expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
  reset(net, race)
end)

each("ack", { port = 80, tcp = "ack", nth = 2 }, function(net, c, s, race)
  s:write "hello"
  expect(c:read()):equals "hello"
  reset(net, race)
end)

each("another-port", { port = 80, tcp = "data", sport = 1234, optional = true }, function(net, c, s, race)
  c:write "one"
  expect(s:read()):equals "one"
  expect(race.hits):equals(0)
  expect(net.trace):never { tcp = "rst" }
end)

each("disarmed", { port = 80, tcp = "data", optional = true }, function(net, c, s, race)
  race:disarm()
  c:write "one"
  expect(s:read()):equals "one"
  expect(net.trace):never { tcp = "rst" }
end)
