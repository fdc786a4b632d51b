-- What every knob of the web server does to the packets: of the built-in server
-- and, where it is installed, of nginx.

local nginx = require "nginx"

-- serve starts the built-in server or nginx with the same options.
local function serve(net, impl, o)
  if impl == "nginx" then
    nginx.serve(net.server, o)
    return { from = net.server, port = o.port, tls = o.tls }
  end
  local own = {}
  for k, v in pairs(o) do
    if k ~= "tls" and k ~= "ip" then own[k] = v end
  end
  local site = o.tls and net.server:tls(own) or net.server:serve(own)
  return { from = site, site = site, port = o.port, tls = o.tls }
end

-- to adds what a client says to whom it says it.
local function to(at, o)
  local out = { from = at.from, port = at.port, tls = at.tls }
  for k, v in pairs(o or {}) do out[k] = v end
  return out
end

local function knob(name, run, o)
  o = o or {}
  for _, kind in ipairs(o.only or { "built-in", "built-in-v6", "nginx" }) do
    local impl = kind:match "nginx" or "built-in"
    scenario("web-" .. name .. "-" .. kind) {
      tags = { "web" },
      needs = impl == "nginx" and { "nginx" } or nil,
      topology = path { host "client", wire { name = "lan" }, host "server", ip = kind:match "v6" and 6 or 4 },
      run = function(net) run(net, impl) end,
    }
  end
end

local built_in = { only = { "built-in", "built-in-v6" } }

-- said asks for a path over a connection of its own and leaves the answer there.
local function said(net, at, text, o)
  o = o or {}
  local c = net.client:dial { to = net.server, port = at.port, rcvbuf = o.rcvbuf }
  if at.tls then c:handshake() end
  c:write(text)
  return c
end

knob("ssl-buffer-size", function(net, impl)
  local at = serve(net, impl, { port = 443, tls = true, ssl_buffer_size = "4KB", routes = { ["/"] = { size = 40000 } } })
  local c = said(net, at, "GET / HTTP/1.0\r\n\r\n")
  -- Each read is a record.
  local largest, sum = 0, 0
  while true do
    local part, err = c:read()
    largest, sum = math.max(largest, #part), sum + #part
    if err then break end
  end
  expect(largest):equals(4096)
  expect(sum):at_least(40000)
end)

knob("keepalive-timeout", function(net, impl)
  local at = serve(net, impl, { port = 443, tls = true, keepalive_timeout = "1s", body = "END" })
  local c = said(net, at, "GET / HTTP/1.1\r\nHost: server\r\n\r\n")
  local before = time.now()
  expect(c:read_until "END"):matches "200 OK"
  local rest, err = c:read_all()
  expect(rest):equals ""
  expect(err, "closed in TLS too"):is_nil()
  expect(time.now() - before):between(0.9, 4)
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "fin" }
  expect(net.trace):never { from = net.client, tcp = "fin" }
end)

knob("keepalive-off", function(net, impl)
  local at = serve(net, impl, { port = 80, keepalive_timeout = false, body = "x" })
  local r = net.client:fetch(to(at))
  expect(r.headers.connection):equals "close"
  expect(net.trace):never { tcp = "rst" }
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "fin" } }
end)

knob("keepalive-requests", function(net, impl)
  local at = serve(net, impl, { port = 80, keepalive_requests = 2, body = "x" })
  local s = net.client:session(to(at))
  local reused = {}
  for i = 1, 4 do reused[i] = tostring(s:fetch("/").reused) end
  expect(table.concat(reused, " ")):equals "false true false true"
  expect(s.opened):equals(2)
  s:close()
end)

knob("connection-close", function(net, impl)
  local at = serve(net, impl, { port = 443, tls = true, ssl_protocols = { "TLSv1.2" }, routes = { ["/"] = { body = "x", close = true } } })
  local c = said(net, at, "GET / HTTP/1.1\r\nHost: server\r\n\r\n")
  local answer, err = c:read_all()
  expect(err):is_nil()
  expect(answer):matches "Connection: close"
  must(net.trace:at(net.client)):includes { from = net.server, tcp = "fin" }
  -- The client answers close_notify with its own, to a server that is gone: the
  -- harmless reset at the end of many captures.
  c:close()
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.server, tcp = "rst" } }
end)

-- More comes behind the last request: it is read for a while, or meets a socket
-- that is closed.
local function behind(net, impl, lingering)
  local at = serve(net, impl, { port = 80, lingering_close = lingering, body = "x" })
  local c = said(net, at, "GET / HTTP/1.0\r\n\r\nand what else")
  expect(select(2, c:read_all())):is_nil()
  c:write "I wanted to say"
  return c
end

knob("lingering-close-on", function(net, impl)
  local c = behind(net, impl, "on")
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "data" }, { from = net.server, tcp = "ack" } }
  c:close()
  expect(net.trace):never { tcp = "rst" }
end)

knob("lingering-close-off", function(net, impl)
  behind(net, impl, "off")
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "data" }, { from = net.server, tcp = "rst" } }
end)

knob("lingering-timeout", function(net, impl)
  local at = serve(net, impl, { port = 80, lingering_timeout = "1s", body = "x" })
  local c = said(net, at, "GET / HTTP/1.0\r\n\r\nand what else")
  expect(select(2, c:read_all())):is_nil()
  sleep "1500ms"
  c:write "too late"
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "rst" }
end)

-- A body that is refused is read and forgotten, by a careless server not.
for _, careless in ipairs { false, true } do
  knob("discard-body" .. (careless and "-not" or ""), function(net, impl)
    local o = { port = 80, client_max_body_size = "1KB", body = "x" }
    if careless then o.discard_body = false end
    local at = serve(net, impl, o)
    local c = said(net, at, "POST / HTTP/1.1\r\nHost: server\r\nContent-Length: 50000\r\n\r\n")
    c:write(("b"):rep(50000))
    local answer, err = c:read_all()
    if careless then
      expect(net.trace:at(net.server)):includes { from = net.server, tcp = "rst" }
    else
      expect(answer):matches "413"
      expect(err):is_nil()
      expect(net.trace):never { tcp = "rst" }
    end
  end, careless and built_in or nil)
end

knob("client-max-body-size", function(net, impl)
  local at = serve(net, impl, { port = 80, client_max_body_size = "10KB", body = "x" })
  expect(net.client:fetch(to(at, { upload = 11 * 1024 })).status):equals(413)
  expect(net.client:fetch(to(at, { upload = 9 * 1024 })).status):equals(200)
end)

-- A client that does not read.
local function stuck(net, impl, reset)
  local at = serve(net, impl, { port = 80, send_timeout = "1s", reset_timedout_connection = reset, sndbuf = "64KB", routes = { ["/"] = { size = 2000000 } } })
  return said(net, at, "GET / HTTP/1.0\r\n\r\n", { rcvbuf = "8KB" })
end

knob("send-timeout", function(net, impl)
  local c = stuck(net, impl, false)
  -- It is closed, but what was written is still to be sent: no FIN gets through.
  sleep "3s" -- three times its timeout: a busy host's timers are late
  expect(net.trace):never { from = net.server, tcp = "rst" }
  local body, err = c:read_all()
  expect(err):is_nil()
  expect(#body):less_than(2000000)
  expect(net.trace):includes { from = net.server, tcp = "fin" }
end)

knob("reset-timedout-connection", function(net, impl)
  local c = stuck(net, impl, true)
  sleep "1500ms"
  expect(net.trace:at(net.server)):includes { from = net.server, tcp = "rst", rst = { kind = "active", cause = "linger" } }
  local _, err = c:read_all()
  expect(err):equals "ECONNRESET"
end)

knob("client-header-timeout", function(net, impl)
  local at = serve(net, impl, { port = 80, client_header_timeout = "1s", reset_timedout_connection = true, body = "x" })
  -- One that says nothing is closed, one that stops in the middle is reset.
  local silent, slow = said(net, at, ""), said(net, at, "GET / HTTP/1.1\r\nHo")
  expect(select(2, silent:read_all())):is_nil()
  expect(select(2, slow:read_all())):equals "ECONNRESET"
end)

knob("client-body-timeout", function(net, impl)
  local at = serve(net, impl, { port = 80, client_body_timeout = "1s", reset_timedout_connection = true, routes = { ["/"] = { upload = true, body = "x" } } })
  local c = said(net, at, "POST / HTTP/1.1\r\nHost: server\r\nContent-Length: 10\r\n\r\nabc")
  expect(select(2, c:read_all())):equals "ECONNRESET"
end, built_in)

knob("backlog", function(net, impl)
  serve(net, impl, { port = 80, backlog = 7, body = "x" })
  for _, s in ipairs(net.server:sockets { state = "LISTEN", port = 80 }) do expect(s.send_queue):equals(7) end
end)

knob("reuseport", function(net, impl)
  serve(net, impl, { port = 80, reuseport = true, workers = 3, body = "x", ip = 4 })
  expect(#net.server:sockets { state = "LISTEN", port = 80 }):equals(3)
end)

knob("http2", function(net, impl)
  local at = serve(net, impl, { port = 443, tls = true, http2 = true, routes = { ["/"] = { size = 50000 } } })
  local s = net.client:session(to(at, { http2 = true }))
  for _, r in ipairs(s:fetch_all({ "/", "/", "/" }, { connections = 3 })) do
    expect(r.proto):equals "HTTP/2.0"
    expect(r.bytes):equals(50000)
  end
  s:close()
  expect(net.client:fetch(to(at)).proto):equals "HTTP/1.1"
end)

knob("ssl-protocols", function(net, impl)
  local at = serve(net, impl, { port = 443, tls = true, ssl_protocols = { "TLSv1.2" }, body = "x" })
  expect(net.client:fetch(to(at)).tls_version):equals "TLSv1.2"
  expect(net.client:fetch(to(at, { ssl_protocols = { "TLSv1.3" } })).error):matches "handshake"
end)

for _, on in ipairs { true, false } do
  knob("ssl-session-tickets-" .. (on and "on" or "off"), function(net, impl)
    local at = serve(net, impl, { port = 443, tls = true, ssl_session_tickets = on, body = "x" })
    local s = net.client:session(to(at))
    expect(s:fetch({ path = "/", close = true }).resumed):equals(false)
    expect(s:fetch({ path = "/", close = true }).resumed):equals(on)
  end)
end

knob("close-notify", function(net)
  for _, polite in ipairs { true, false } do
    local port = polite and 443 or 444
    net.server:tls { port = port, close_notify = polite, keepalive_timeout = false, body = "x" }
    local c = said(net, { port = port, tls = true }, "GET / HTTP/1.1\r\nHost: server\r\n\r\n")
    local _, err = c:read_all()
    expect(tostring(err)):equals(polite and "nil" or "EOF without close_notify")
  end
end, built_in)

knob("routes", function(net)
  local site = net.server:serve { port = 80, routes = {
    ["/"] = { body = "root" }, ["/api/"] = { status = 503, headers = { ["Retry-After"] = "1" } }, ["/slow"] = { delay = "300ms", body = "late" },
    ["/chunked"] = { chunked = 100, size = 250 }, ["/drip"] = { drip = 10, every = "50ms", size = 50 }, ["/cut"] = { size = 1000, cut = 100 },
    ["/sink"] = { upload = true, body = "thanks", method = "POST" }, ["/file"] = { size = 1000 },
  } }
  local function get(path, o) return net.client:fetch(to({ from = site }, (function() o = o or {} o.path = path return o end)())) end
  expect(get("/").body):equals "root"
  expect(get("/api/v1").status):equals(503)
  expect(get("/api/v1").headers["retry-after"]):equals "1"
  expect(get("/nowhere").status):equals(200) -- "/" begins it
  expect(get("/slow").first_byte):at_least(0.3)
  local chunked = get "/chunked"
  expect(chunked.headers["transfer-encoding"]):equals "chunked"
  expect(chunked.bytes):equals(250)
  local drip = get "/drip"
  expect(drip.bytes):equals(50)
  expect(drip.time):at_least(0.2)
  local cut = get "/cut"
  expect(cut.bytes):equals(100)
  expect(cut.error):equals "read unexpected EOF"
  expect(get("/sink", { upload = 30000 }).body):equals "thanks"
  expect(get("/sink", { upload = 30000, expect = true }).body):equals "thanks"
  expect(get("/file", { range = "990-" }).status):equals(206)
  expect(get("/file", { range = "990-" }).bytes):equals(10)
  expect(get("/file", { range = "5000-" }).status):equals(416)
  expect(get("/file", { method = "HEAD" }).bytes):equals(0)
  expect(get("/file", { stop = 10 }).bytes):equals(10)
  local log = site:requests()
  expect(log[1].path):equals "/"
  expect(#log):equals(15)
end, built_in)

knob("certificates", function(net)
  local tls = require "tls"
  local function try(port, o, chain)
    local site = net.server:tls { port = port, chain = chain, body = "x" }
    o.from = site
    return net.client:fetch(o)
  end
  expect(try(1, {}, tls.chain { expired = true }).error):equals "handshake certificate expired or not yet valid"
  expect(try(2, {}, tls.chain { not_yet_valid = true }).error):equals "handshake certificate expired or not yet valid"
  expect(try(3, { name = "other.test" }, tls.chain {}).error):equals "handshake certificate has no such name"
  expect(try(4, {}, tls.chain { untrusted = true }).error):equals "handshake certificate from an unknown authority"
  expect(try(5, {}, tls.chain { missing_intermediate = true }).error):equals "handshake certificate from an unknown authority"
  expect(try(6, {}, tls.chain { self_signed = true }).error):equals "handshake certificate from an unknown authority"
  expect(try(7, { verify = false }, tls.chain { self_signed = true }).status):equals(200)
  expect(try(8, { name = "a.wild.test" }, tls.chain { names = { "*.wild.test" } }).status):equals(200)
  expect(try(9, { name = "a.b.wild.test" }, tls.chain { names = { "*.wild.test" } }).error):equals "handshake certificate has no such name"
  expect(try(10, {}, tls.chain { length = 4, bytes = 9000, key = "rsa" }).chain):equals(4)
  -- The server learns why.
  expect(try(12, { ssl_protocols = { "TLSv1.2" } }, tls.chain { untrusted = true }).error):matches "unknown authority"
  expect(net.trace:at(net.server)):includes { from = net.client, tls = "alert" }
  -- Which certificate is shown follows the name asked for.
  local site = net.server:tls { port = 11, chain = tls.chain { names = { "one.test" } }, certificates = { tls.chain { names = { "two.test" } } }, body = "x" }
  expect(net.client:fetch({ from = site, name = "one.test" }).subject):equals "one.test"
  expect(net.client:fetch({ from = site, name = "two.test" }).subject):equals "two.test"
end, built_in)

knob("busy", function(net)
  local site = net.server:serve { port = 80, busy = 1, delay = "100ms", body = "x" }
  local s = net.client:session { from = site }
  local got = s:fetch_all({ "/", "/", "/" }, { connections = 3 })
  local longest = math.max(got[1].time, got[2].time, got[3].time)
  expect(longest, "one after the other"):at_least(0.3)
  -- The network is fine: each request was acknowledged at once.
  expect(net.trace):never { tcp = "rexmit" }
end, built_in)
