-- A box that lowers the MSS that both sides of a handshake offer, as tunnels and
-- access concentrators do.
local mss_rewriter = {}

-- on puts the box on a router or a wire. mss is the most it lets pass; raise has
-- it write that even where less was offered, which breaks paths. What it returns
-- has the number of handshake segments that were rewritten.
function mss_rewriter.on(place, o)
  local self = { rewritten = 0 }
  self.box = place:box(function(pkt)
    if not pkt.syn or not pkt.mss then return end
    if pkt.mss > o.mss or o.raise and pkt.mss < o.mss then
      self.rewritten = self.rewritten + 1
      pkt:rewrite { mss = o.mss }
    end
  end, { name = o.name or "mss_rewriter" })
  return self
end

return mss_rewriter
