-- A box that takes the timestamp option out of handshakes, so that connections
-- go without: old firewalls and some load balancers do.
local timestamp_stripper = {}

-- on puts the box on a router or a wire. all has it take the option out of every
-- segment: connections that have agreed on it then lose what PAWS checks. What
-- it returns has the number of segments that were changed.
function timestamp_stripper.on(place, o)
  local self = { stripped = 0 }
  self.box = place:box(function(pkt)
    if pkt.timestamps and (pkt.syn or o and o.all) then
      self.stripped = self.stripped + 1
      pkt:rewrite { timestamps = false }
    end
  end, { name = o and o.name or "timestamp_stripper" })
  return self
end

return timestamp_stripper
