-- The same exchanges with the built-in server and with nginx, with the built-in
-- client and with curl: each must end alike, and connection by connection their
-- packets must mean the same but for what engine/web/KNOBS.md lists.

local nginx, curl, tls = require "nginx", require "curl", require "tls"

-- Servers: each starts with the options of host:tls or host:serve, and returns
-- what ends it.
local servers = {
  ["built-in"] = function(net, o)
    local own = {}
    for k, v in pairs(o) do
      if k ~= "tls" then own[k] = v end
    end
    local site = o.tls and net.server:tls(own) or net.server:serve(own)
    return function() site:close() end
  end,
  nginx = function(net, o)
    local own = { quiet = true }
    for k, v in pairs(o) do own[k] = v end
    local p = nginx.serve(net.server, own)
    return function() p:stop() end
  end,
}

-- Clients: each asks for the paths of q one after the other on one connection and
-- returns what came of each.
local clients = {
  ["built-in"] = function(net, q)
    local s = net.client:session { from = net.server, port = q.port, tls = q.tls }
    local got = {}
    for i, path in ipairs(q.paths) do got[i] = s:fetch { path = path, headers = { Accept = "*/*" }, body = q.body } end
    s:close()
    return got
  end,
  curl = function(net, q)
    return curl.fetch_all(net.client, { from = net.server, port = q.port, tls = q.tls, body = q.body, args = { "-A", "" } }, q.paths)
  end,
}

-- What is done, and what must come of it whoever does it.
local exchanges = {
  page = {
    about = "three files over one connection that stays open",
    server = { port = 80, routes = { ["/"] = { body = "index" }, ["/a.css"] = { size = 900 }, ["/b.js"] = { size = 20000 } } },
    client = { paths = { "/", "/a.css", "/b.js" } },
    judge = function(net, got, trace)
      for i = 1, 3 do expect(got[i].status):equals(200) end
      expect(#trace:connections()):equals(1)
      expect(trace):never { tcp = "rst" }
    end,
  },
  ["lost-segment"] = {
    about = "a download over TLS that loses a segment",
    server = { port = 443, tls = true, ssl_protocols = { "TLSv1.3" }, routes = { ["/"] = { size = 60000 } } },
    client = { paths = { "/" } },
    harm = function(net) return net.wan:drop { from = net.server, tcp = "data", nth = 12 } end,
    judge = function(net, got, trace)
      expect(got[1].status):equals(200)
      expect(got[1].bytes):equals(60000)
      expect(trace):includes { from = net.server, tcp = "rexmit" }
      expect(trace):never { tcp = "rst" }
    end,
  },
  ["server-closes"] = {
    about = "the server closes after its answer, in TLS first",
    server = { port = 443, tls = true, ssl_protocols = { "TLSv1.2" }, routes = { ["/"] = { body = "x", close = true } } },
    client = { paths = { "/" } },
    judge = function(net, got, trace)
      expect(got[1].status):equals(200)
      -- A close is a reset if the other's close_notify has come and is unread.
      for _, node in ipairs { net.server, net.client } do
        local function closed(what) return trace:at(net.server):count { from = node, tcp = what } end
        expect(closed "fin" + closed "rst"):at_least(1)
      end
    end,
  },
  ["refused-upload"] = {
    about = "an upload that is too large for the server",
    server = { port = 80, client_max_body_size = "1KB", body = "x" },
    client = { paths = { "/" }, body = ("u"):rep(5000) },
    judge = function(net, got, trace)
      expect(got[1].status):equals(413)
      expect(trace):never { tcp = "rst" }
      expect(trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "fin" } }
    end,
  },
  untrusted = {
    about = "a certificate that nobody vouches for",
    server = { port = 443, tls = true, ssl_protocols = { "TLSv1.2" }, chain = tls.chain { untrusted = true }, body = "x" },
    client = { paths = { "/" } },
    judge = function(net, got, trace)
      expect(got[1].error):matches "^handshake certificate"
      expect(got[1].status):equals(0)
      expect(trace:at(net.server)):includes { from = net.client, tls = "alert" }
    end,
  },
}

local function lab() return path { host "client", wire { name = "wan", delay = "20ms" }, host "server" } end

-- run makes one exchange and returns the connections it took.
local function run(net, x, server, client)
  local before = #net.trace:connections()
  local stop = servers[server](net, x.server)
  local harm = x.harm and x.harm(net)
  local q = { port = x.server.port, tls = x.server.tls }
  for k, v in pairs(x.client) do q[k] = v end
  local got = clients[client](net, q)
  if harm then
    expect(harm.hits):equals(1)
    harm:disarm()
  end
  local all = net.trace:connections() -- the wires are idle
  stop()
  local flows = {}
  for i = before + 1, #all do flows[#flows + 1] = all[i] end
  return got, flows
end

-- meaning is an event without how many bytes it took.
local function meaning(event) return (event:gsub("%d+:%d+", "bytes")) end

-- Differences that are known: why, and whether one is meant by it. The last are
-- of one exchange alone.
local known = {
  { "other lengths", function(was, is) return meaning(was) == meaning(is) end },
  { "crypto/tls gives no reason in its alert", function(was, is)
    local a, b = meaning(was):match "^(.*, tls alert fatal )[a-z_]+$", meaning(is):match "^(.*, tls alert fatal )[a-z_]+$"
    return a ~= nil and a == b
  end },
  { "a close_notify that nobody waits for crosses the FIN, and draws resets from whatever state the socket is in by then",
    function(_, _, all) return all:find '^"%l+ RST, passive: ' ~= nil end, "server-closes" },
  { "a client that knows from the answer that the server closes may do so before it has the FIN", function(_, _, all)
    return all:find '^"%l+ FIN" moved ' ~= nil
  end, "server-closes refused-upload" },
  { "a client that closes while the server's close_notify is unread resets", function(_, _, all)
    return all:find '^"client RST, active: unread" ' ~= nil or all:find '^"client FIN" did not come' ~= nil or
      all:find '^"client FIN" came' ~= nil
  end, "server-closes" },
  { "OpenSSL leaves the rest of the server's flight unread, so that its close is a reset", function(_, _, all)
    return all:find '^"client RST, ' ~= nil or all:find '^"client FIN" did not come' ~= nil or all:find '^"server FIN" did not come' ~= nil
  end, "untrusted" },
}

local function reason(name, difference)
  local was, is = difference:match '^"(.*)" became "(.*)"$'
  for _, k in ipairs(known) do
    if (k[3] == nil and was or k[3] and k[3]:find(name, 1, true)) and k[2](was, is, difference) then return k[1] end
  end
end

local names = {}
for name in pairs(exchanges) do names[#names + 1] = name end
table.sort(names)

local function needs(server, client)
  local out = {}
  if server == "nginx" then out[1] = "nginx" end
  if client == "curl" then out[#out + 1] = "curl" end
  return out
end

for _, name in ipairs(names) do
  local x = exchanges[name]
  for _, server in ipairs { "built-in", "nginx" } do
    for _, client in ipairs { "built-in", "curl" } do
      scenario("peers-" .. name .. "-" .. server .. "-" .. client) {
        about = x.about,
        tags = { "peers" },
        needs = needs(server, client),
        topology = lab(),
        run = function(net)
          local got, flows = run(net, x, server, client)
          expect(#flows):equals(1)
          x.judge(net, got, net.trace)
        end,
      }
    end
  end
  scenario("peers-" .. name .. "-compared") {
    about = x.about .. ": connection by connection",
    tags = { "peers" },
    needs = { "nginx", "curl" },
    topology = lab(),
    run = function(net)
      local _, want = run(net, x, "built-in", "built-in")
      for _, pair in ipairs { { "nginx", "built-in" }, { "built-in", "curl" }, { "nginx", "curl" } } do
        local _, flows = run(net, x, pair[1], pair[2])
        expect(#flows):equals(#want)
        for i, flow in ipairs(flows) do
          local same = true
          for _, d in ipairs(flow:differences(want[i])) do
            local why = reason(name, d)
            same = same and why ~= nil
            print(name .. ", " .. pair[1] .. " and " .. pair[2] .. ", connection " .. i .. ": " .. d .. " (" .. (why or "unknown") .. ")")
          end
          expect(same, "differences that are known"):is_true()
        end
      end
    end,
  }
end
