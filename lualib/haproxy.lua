-- Real HAProxy on a host, between clients and a server. A scenario that uses it
-- says needs = { "haproxy" }.
--
--   haproxy.serve(net.proxy, { port = 80, to = net.server, to_port = 8080, mode = "http" })

local haproxy = {}

-- serve starts it; lines of the frontend and the backend may be added.
function haproxy.serve(host, o)
  local bind = "bind :" .. o.port .. (o.tls and " ssl crt $DIR/both.pem" or "")
  local conf = {
    "global", "  maxconn " .. (o.connections or 500),
    "defaults", "  mode " .. (o.mode or "http"), "  timeout connect " .. (o.timeout_connect or "5s"), "  timeout client " .. (o.timeout_client or "30s"),
    "  timeout server " .. (o.timeout_server or "30s"),
    "frontend in", "  " .. bind,
  }
  for _, line in ipairs(o.frontend or {}) do conf[#conf + 1] = "  " .. line end
  conf[#conf + 1] = "  default_backend out"
  conf[#conf + 1] = "backend out"
  for _, line in ipairs(o.backend or {}) do conf[#conf + 1] = "  " .. line end
  conf[#conf + 1] = "  server one " .. o.to.addr .. ":" .. (o.to_port or 80)
  conf[#conf + 1] = ""
  return host:start {
    "haproxy", "-db", "-f", "$DIR/haproxy.cfg",
    files = { ["haproxy.cfg"] = table.concat(conf, "\n") }, ready = { port = o.port }, quiet = o.quiet,
  }
end

return haproxy
