-- OpenSSL's test client and server on hosts. A scenario that uses them says
-- needs = { "openssl" }.

local openssl = {}

-- client connects, says input and reads until the server closes or a second has
-- passed. More arguments of s_client come in args.
function openssl.client(host, o)
  local args = { "openssl", "s_client", "-connect", o.from.name .. ":" .. o.port, "-servername", o.name or o.from.name, "-verify_return_error", "-ign_eof" }
  for _, a in ipairs(o.args or {}) do args[#args + 1] = a end
  args.input, args.timeout, args.quiet = o.input, o.timeout or "5s", o.quiet
  return host:run(args)
end

-- server answers every request with a page on its session.
function openssl.server(host, o)
  local args = { "openssl", "s_server", "-accept", tostring(o.port), "-cert", "$DIR/server.crt", "-cert_chain", "$DIR/server.crt", "-key", "$DIR/server.key", "-www" }
  for _, a in ipairs(o.args or {}) do args[#args + 1] = a end
  args.chain, args.ready, args.quiet = o.chain or {}, { port = o.port }, o.quiet
  return host:start(args)
end

return openssl
