-- Certificates for TLS servers.
local tls = {}

-- A certificate chain. bytes is the size of all certificates together; without
-- it the chain is as small as it can be.
function tls.chain(o)
  return { bytes = o and o.bytes }
end

return tls
