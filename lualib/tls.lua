-- Certificates for TLS servers.
local tls = {}

-- A certificate chain: { bytes = 6000 }, { names = { "*.example.test" } }, { expired = true }, …
-- Without anything it is a good one for the node, as small as it can be.
function tls.chain(o)
  return o or {}
end

return tls
