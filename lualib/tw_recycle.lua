-- What net.ipv4.tcp_tw_recycle = 1 did on Linux 3.12 to 4.11, as a box in front of
-- a server: SYNs of an address are dropped in silence while their timestamp is
-- behind the last one that the server saw of that address in a connection that
-- the server closed first. Ports do not matter, so clients behind one NAT
-- address, each with a clock of its own, shut each other out.
--
-- The rules are those of tcp_peer_is_proven and tcp_remember_stamp of those
-- kernels; 4396e46187ca of Linux 4.12 removed them.
local tw_recycle = {}

local PAWS_WINDOW = 1  -- TCP_PAWS_WINDOW, in ticks of the timestamp clock
local PAWS_MSL    = 60 -- TCP_PAWS_MSL, in seconds
local RECYCLED    = 0.7 -- seconds a TIME-WAIT lives: 3.5 times an RTO of 200 ms

-- after is a - b as a signed number of 32 bits.
local function after(a, b)
  local d = (a - b) % 2 ^ 32
  if d >= 2 ^ 31 then d = d - 2 ^ 32 end
  return d
end

-- on puts the box on a router or a wire before the server. What it returns has
-- the number of SYNs that were dropped, as the kernel's PAWSPassive counted them.
function tw_recycle.on(place, o)
  local self = { paws_passive = 0 }
  local peers, conns = {}, {}
  local server = {}
  for _, a in ipairs(o.server.addrs) do server[a] = true end

  -- remember is tcp_remember_stamp.
  local function remember(peer, c, now)
    local m = peers[peer]
    if not m then
      peers[peer] = { ts = c.ts, stamp = c.stamp }
    elseif after(m.ts, c.ts) <= 0 or now - m.stamp > PAWS_MSL and m.stamp <= c.stamp then
      m.ts, m.stamp = c.ts, c.stamp
    end
  end

  self.box = place:box(function(pkt)
    if not pkt.is_tcp then return end
    local now = pkt.time
    if server[pkt.src] then
      local c = conns[pkt.dst .. " " .. pkt.dport .. " " .. pkt.src .. " " .. pkt.sport]
      if c and pkt.rst then c.aborted = true end
      if c and pkt.fin and not c.client_fin and not c.server_fin then c.server_fin = pkt.next_seq end
      return
    end
    if not server[pkt.dst] then return end
    local peer = pkt.dst .. " " .. pkt.src
    local id = pkt.src .. " " .. pkt.sport .. " " .. pkt.dst .. " " .. pkt.dport
    local c = conns[id]
    if pkt.syn and not pkt.has_ack then
      local m = peers[peer]
      local waits = c and c.closed and now - c.closed < RECYCLED
      if m and not waits and now - m.stamp < PAWS_MSL and (not pkt.tsval or after(m.ts, pkt.tsval) > PAWS_WINDOW) then
        self.paws_passive = self.paws_passive + 1
        return false
      end
      if not (c and c.isn == pkt.raw_seq) then conns[id] = { isn = pkt.raw_seq } end
      return
    end
    if not c or c.aborted then return end
    if pkt.rst then c.aborted = true return end
    if pkt.tsval and (not c.ts or after(pkt.tsval, c.ts) >= 0) then c.ts, c.stamp = pkt.tsval, now end
    if pkt.fin then c.client_fin = true end
    -- The server waits only if its own FIN was first, and is acknowledged.
    if c.server_fin and c.ts and pkt.has_ack and after(pkt.raw_ack, c.server_fin) >= 0 then
      c.closed = c.closed or now
      remember(peer, c, now)
    end
  end, { name = o.name or "tw_recycle" })
  return self
end

return tw_recycle
