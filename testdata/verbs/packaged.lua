-- The real programs that lualib starts with little ado. nginx and curl are held to
-- the built-in ends in web.lua and peers.lua.

local function case(name, program, topology, run)
  scenario("packaged-" .. name) { tags = { "process" }, needs = { program }, topology = topology, run = run }
end

case("haproxy", "haproxy", path { host "client", wire { name = "front" }, host "proxy", wire { name = "back" }, host "server" }, function(net)
  local site = net.server:serve { port = 8080, body = "from behind" }
  require("haproxy").serve(net.proxy, { port = 80, to = net.server, to_port = 8080, timeout_server = "1s" })
  local got = net.client:fetch { from = net.proxy, port = 80 }
  expect(got.status):equals(200)
  expect(got.body):equals "from behind"
  expect(site.accepted):equals(1)
  -- Two connections, one on either side.
  expect(net.trace):never { from = net.client, to = net.server }
  expect(net.trace:at(net.server)):includes { from = net.proxy, tcp = "syn" }
  -- A backend that answers too late is told of by the proxy.
  site:close()
  net.server:serve { port = 8080, delay = "5s", body = "late" }
  expect(net.client:fetch({ from = net.proxy, port = 80 }).status):equals(504)
end)

local function pair() return path { host "client", wire { name = "lan" }, host "server" } end

case("openssl-client", "openssl", pair(), function(net)
  net.server:tls { port = 443, routes = { ["/"] = { body = "hello", close = true } } }
  local e = require("openssl").client(net.client, { from = net.server, port = 443, input = "GET / HTTP/1.1\r\nHost: server\r\n\r\n" })
  expect(e.code):equals(0)
  expect(e.output):matches "hello"
  expect(e.output):matches "Verification: OK"
end)

case("openssl-server", "openssl", pair(), function(net)
  require("openssl").server(net.server, { port = 443 })
  local got = net.client:fetch { from = net.server, port = 443, tls = true }
  expect(got.status):equals(200)
  expect(got.body):matches "s_server"
end)

case("iperf3", "iperf3", path { host "client", wire { direct = true }, host "server" }, function(net)
  local got = require("iperf3").run(net.client, net.server, { seconds = 1 })
  expect(got.exit.code, got.exit.output):equals(0)
  expect(got.bits_per_second):more_than(1e6)
end)
