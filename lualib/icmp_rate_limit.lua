-- A box that lets only so many ICMP errors pass, as routers limit what they
-- send: a traceroute then shows loss at a hop where nothing is lost.
local icmp_rate_limit = {}

-- Types of errors (RFC 792); those of ICMPv6 are all below 128 (RFC 4443).
local errors = { [3] = true, [4] = true, [11] = true, [12] = true }

local function limited(pkt, all)
  if not pkt.icmp then return false end
  if all then return true end
  if pkt.proto == 58 then return pkt.icmp_type < 128 end
  return errors[pkt.icmp_type] or false
end

-- on puts the box on a wire or a router. rate is how many a second, burst how
-- many at once (6 unless said, as Linux has it for each receiver); all
-- counts echoes too, from limits it to what one node sends. What it returns has
-- the numbers of those that passed and of those that were dropped.
function icmp_rate_limit.on(place, o)
  local self = { passed = 0, dropped = 0 }
  local burst = o.burst or 6
  local tokens, last = burst, nil
  self.box = place:box(function(pkt)
    if not limited(pkt, o.all) or o.from and pkt.from ~= o.from.name then return end
    if last then tokens = math.min(burst, tokens + (pkt.time - last) * o.rate) end
    last = pkt.time
    if tokens < 1 then
      self.dropped = self.dropped + 1
      return false
    end
    tokens = tokens - 1
    self.passed = self.passed + 1
  end, { name = o.name or "icmp_rate_limit" })
  return self
end

return icmp_rate_limit
