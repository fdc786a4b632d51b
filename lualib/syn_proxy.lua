-- A box that completes handshakes in a server's stead and opens the connection
-- to the server only once the client has answered, as nf_synproxy does: what
-- follows has its sequence numbers translated for as long as it lives.
local syn_proxy = {}

local function translate(n) return string.format("%+d", n) end

-- on puts the box on a router before the server. port is the one that it guards,
-- mss what it offers in the server's stead. What it returns has the number of
-- handshakes that were begun by clients and of those that reached the server.
function syn_proxy.on(router, o)
  local self = { offered = 0, opened = 0 }
  local conns = {}
  local server = {}
  for _, a in ipairs(o.server.addrs) do server[a] = true end

  local function from_client(pkt)
    local id = pkt.src .. " " .. pkt.sport .. " " .. pkt.dst
    local c = conns[id]
    if pkt.syn then
      if not c or c.client_isn ~= pkt.raw_seq then
        self.offered = self.offered + 1
        c = { client_isn = pkt.raw_seq, isn = math.random(0, 2 ^ 31 - 1), mss = pkt.mss or 536 }
        conns[id] = c
      end
      -- No window: the client is to wait until the server has answered. Options
      -- that the server may not have are not offered.
      pkt:answer { flags = "S.", raw_seq = c.isn, raw_ack = (c.client_isn + 1) % 2 ^ 32, win = 0, mss = o.mss or 1460 }
      return false
    end
    if not c then return end
    if not c.shift then
      if not c.asked and pkt.has_ack and pkt.raw_ack == (c.isn + 1) % 2 ^ 32 then
        c.asked = true
        c.client_win = pkt.win
        pkt:send { flags = "S", raw_seq = c.client_isn, raw_ack = 0, win = pkt.win, mss = c.mss }
      end
      return false
    end
    if pkt.has_ack then pkt:rewrite { ack = translate(c.shift) } end
  end

  local function from_server(pkt)
    local c = conns[pkt.dst .. " " .. pkt.dport .. " " .. pkt.src]
    if not c then return end
    if pkt.syn and pkt.has_ack and c.asked then
      if not c.shift then
        self.opened = self.opened + 1
        c.shift = pkt.raw_seq - c.isn
      end
      pkt:answer { flags = ".", raw_seq = (c.client_isn + 1) % 2 ^ 32, raw_ack = pkt.next_seq, win = c.client_win }
      pkt:send { flags = ".", raw_seq = (c.isn + 1) % 2 ^ 32, raw_ack = (c.client_isn + 1) % 2 ^ 32, win = pkt.win }
      return false
    end
    if c.shift then pkt:rewrite { seq = translate(-c.shift) } end
  end

  self.box = router:box(function(pkt)
    if not pkt.is_tcp then return end
    if server[pkt.dst] and pkt.dport == o.port then return from_client(pkt) end
    if server[pkt.src] and pkt.sport == o.port then return from_server(pkt) end
  end, { name = o.name or "syn_proxy" })
  return self
end

return syn_proxy
