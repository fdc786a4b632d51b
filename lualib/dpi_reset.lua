-- A box that reads what passes and resets connections that say a word: a server
-- name in a TLS client hello, or bytes anywhere in a segment.
local dpi_reset = {}

-- matches reports whether the packet says one of the words.
local function matches(pkt, o)
  if o.sni then
    local name = pkt.server_name
    for _, want in ipairs(type(o.sni) == "table" and o.sni or { o.sni }) do
      if name == want then return true end
    end
  end
  return o.text ~= nil and pkt.len > 0 and pkt.payload:find(o.text, 1, true) ~= nil
end

-- on puts the box on a router or a wire. sni is a name or a list of names, text
-- is bytes. toward says who is reset: "both", "client" (who said it) or "server";
-- drop keeps what was said from arriving; ttl is that of the resets. What it
-- returns has the number of connections that were reset.
function dpi_reset.on(place, o)
  local self = { resets = 0 }
  local toward = o.toward or "both"
  self.box = place:box(function(pkt)
    if not pkt.is_tcp or not matches(pkt, o) then return end
    self.resets = self.resets + 1
    if toward ~= "server" then pkt:answer { flags = "R.", win = pkt.win, ttl = o.ttl or 64 } end
    if toward ~= "client" then
      pkt:send { flags = "R.", raw_seq = o.drop and pkt.raw_seq or pkt.next_seq, ttl = o.ttl or 64 }
    end
    if o.drop then return false end
  end, { name = o.name or "dpi_reset" })
  return self
end

return dpi_reset
