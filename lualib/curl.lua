-- Real curl on a host, with the options of host:fetch and what it returns. A
-- scenario that uses it says needs = { "curl" }.
--
--   local curl = require "curl"
--   local got = curl.fetch(net.client, { from = net.server, port = 443, tls = true })

local curl = {}

-- Exit codes of curl by the names that fetch gives errors.
local errors = {
  [6] = "resolve", [7] = "connect", [18] = "read unexpected EOF", [23] = "write", [28] = "timeout", [35] = "handshake", [52] = "read EOF",
  [55] = "write", [56] = "read ECONNRESET", [60] = "handshake certificate",
}

local fields = "%{http_code} %{size_download} %{size_upload} %{http_version} %{num_connects} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total} %{local_port}\\n"

-- run asks for paths one after the other, over one connection if that stays open.
local function run(host, o, paths)
  local args = { "curl", "-sS", "-w", fields }
  local function add(...)
    for _, a in ipairs { ... } do args[#args + 1] = a end
  end
  if o.method then add("-X", o.method) end
  for name, v in pairs(o.headers or {}) do add("-H", name .. ": " .. v) end
  if o.close then add("-H", "Connection: close") end
  if o.range then add("-r", o.range) end
  if o.verify == false then add "-k" end
  if o.http2 == true then add "--http2" else add "--http1.1" end
  if o.from_port then add("--local-port", tostring(o.from_port)) end
  local body = o.body or o.upload and ("x"):rep(o.upload)
  if body then
    args.files = { upload = body }
    add("--data-binary", "@$DIR/upload", "-H", "Expect:")
  end
  for _, a in ipairs(o.args or {}) do add(a) end
  for i, path in ipairs(paths) do
    add("-o", "$DIR/body" .. i, (o.tls and "https" or "http") .. "://" .. (o.name or o.from.name) .. ":" .. o.port .. path)
  end
  args.timeout, args.quiet = o.timeout, true
  return host:run(args)
end

-- result is what a line of curl's says.
local function result(e, line)
  local got = { exit = e, code = e.code, error = nil, output = e.output, errors = e.errors }
  if e.timeout then
    got.error = "timeout"
  elseif e.code ~= 0 then
    got.error = errors[e.code] or "curl " .. e.code
  end
  local f = {}
  for word in (line or ""):gmatch "%S+" do f[#f + 1] = tonumber(word) end
  got.status, got.bytes, got.sent, got.connections = f[1] or 0, f[2] or 0, f[3] or 0, f[5] or 0
  got.connected, got.handshaken, got.first_byte, got.time, got.from_port = f[6] or 0, f[7] or 0, f[8] or 0, f[9] or 0, f[10]
  return got
end

-- fetch makes one request.
function curl.fetch(host, o)
  local e = run(host, o, { o.path or "/" })
  return result(e, e.output)
end

-- fetch_all asks for paths one after the other. error is that of the whole.
function curl.fetch_all(host, o, paths)
  local e = run(host, o, paths)
  local got, lines = {}, {}
  for line in e.output:gmatch "[^\n]+" do lines[#lines + 1] = line end
  for i in ipairs(paths) do got[i] = result(e, lines[i]) end
  return got
end

return curl
