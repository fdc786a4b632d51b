-- Real nginx on a host, with the options of host:serve and host:tls where nginx
-- has a directive for them. A scenario that uses it says needs = { "nginx" }.
--
--   local nginx = require "nginx"
--   local site = nginx.serve(net.server, { port = 443, tls = true, routes = { ["/"] = { body = "hello" } } })

local nginx = {}

-- Options that are directives of the same name.
local directives = {
  "keepalive_timeout", "keepalive_requests", "lingering_close", "lingering_time", "lingering_timeout", "reset_timedout_connection",
  "client_header_timeout", "client_body_timeout", "send_timeout", "client_max_body_size",
}
local tls_directives = { "ssl_buffer_size", "ssl_protocols", "ssl_session_tickets" }

-- value writes an option as nginx does.
local function value(v)
  if type(v) == "boolean" then return v and "on" or "off" end
  if type(v) == "table" then return table.concat(v, " ") end
  return (tostring(v):gsub("KB$", "k"):gsub("MB$", "m"))
end

local function directive(name, v)
  if name == "keepalive_timeout" and v == false then v = "0" end
  if name == "client_max_body_size" and v == false then v = "0" end
  return name .. " " .. value(v) .. ";"
end

local function quoted(s) return '"' .. s:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("%$", "${dollar}") .. '"' end

-- location writes a route; what is too large for the configuration is a file.
local function location(path, r, files)
  local out = { "default_type application/octet-stream;" }
  for name, v in pairs(r.headers or {}) do out[#out + 1] = "add_header " .. name .. " " .. quoted(v) .. ";" end
  if r.close then out[#out + 1] = "keepalive_timeout 0;" end
  local body = r.body or r.size and ("x"):rep(r.size) or ""
  local match = path:sub(-1) == "/" and path ~= "/" and path or (path == "/" and "/" or "= " .. path)
  if #body > 1000 then
    local name = "html/f" .. tostring(#body) .. path:gsub("[^%w]", "_")
    files[name] = body
    out[#out + 1] = "root $DIR; try_files /" .. name .. " =404;"
  else
    out[#out + 1] = "return " .. (r.status or 200) .. " " .. quoted(body) .. ";"
  end
  return "location " .. match .. " { " .. table.concat(out, " ") .. " }"
end

-- conf writes a configuration, and the files it speaks of.
function nginx.conf(o)
  local files, server = {}, {}
  local function add(line) server[#server + 1] = "    " .. line end
  local listen = "listen " .. o.port .. (o.tls and " ssl" or "") .. (o.http2 and " http2" or "")
  if o.backlog then listen = listen .. " backlog=" .. o.backlog end
  if o.reuseport then listen = listen .. " reuseport" end
  if o.rcvbuf then listen = listen .. " rcvbuf=" .. value(o.rcvbuf) end
  if o.sndbuf then listen = listen .. " sndbuf=" .. value(o.sndbuf) end
  add(listen .. ";")
  if o.ip ~= 4 then add((listen:gsub("^listen ", "listen [::]:")) .. ";") end
  if o.tls then add "ssl_certificate $DIR/server.crt; ssl_certificate_key $DIR/server.key;" end
  for _, name in ipairs(directives) do
    if o[name] ~= nil then add(directive(name, o[name])) end
  end
  for _, name in ipairs(tls_directives) do
    if o.tls and o[name] ~= nil then add(directive(name, o[name])) end
  end
  for _, line in ipairs(o.directives or {}) do add(line) end
  local routes = o.routes or { ["/"] = { body = o.body, size = o.size, status = o.status } }
  for path, r in pairs(routes) do add(location(path, r, files)) end
  files["nginx.conf"] = table.concat({
    "daemon off; user root; worker_processes " .. (o.workers or 1) .. "; pid $DIR/nginx.pid; error_log stderr notice;",
    "events { worker_connections " .. (o.connections or 512) .. "; }",
    "http {",
    "  geo $dollar { default \"$\"; }",
    "  access_log off; server_tokens off;",
    "  client_body_temp_path $DIR/body; proxy_temp_path $DIR/proxy; fastcgi_temp_path $DIR/fcgi; uwsgi_temp_path $DIR/uwsgi; scgi_temp_path $DIR/scgi;",
    "  server {",
    table.concat(server, "\n"),
    "  }",
    "}",
    "",
  }, "\n")
  return files
end

-- serve starts nginx on a host and waits until it listens. What it returns is
-- the process.
function nginx.serve(host, o)
  local start = {
    "nginx", "-e", "stderr", "-p", "$DIR", "-c", "$DIR/nginx.conf",
    files = nginx.conf(o), ready = { port = o.port }, quiet = o.quiet, names = o.names,
  }
  if o.tls then start.chain = o.chain or {} end
  return host:start(start)
end

return nginx
