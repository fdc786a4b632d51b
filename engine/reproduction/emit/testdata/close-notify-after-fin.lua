-- Imported from a capture. Lines that say inferred follow from its packets; those that say guess may
-- be otherwise. Addresses, names and payload are not those of the capture.

-- So many bytes that mean nothing.
local function filler(n) return ("x"):rep(n) end

-- Reads n bytes more, or to the end of the stream; what comes beyond them is for the next call.
local function reader(conn)
  local ahead = 0
  return function(n)
    while ahead < n do
      local data, err = conn:read { timeout = "4s" }
      ahead = ahead + #data
      if err then break end
    end
    ahead = math.max(ahead - n, 0)
  end
end

scenario "imported" {
  about = [[
    One connection, as the client saw it.
    The capture has 1 connections more that are not imported.
    Connection 1 to port 443: opened, 637 bytes up and 79385 down, reset by the server (passive: time-wait).
  ]],
  tags = { "tcp", "imported" },
  timeout = "30s",

  topology = path {
    host "client",
    -- inferred: the MTUs are those that the offered MSS speak of
    wire { name = "wan", mtu = { 9001, 1500 } },
    host "server",
  },

  variants = { { "bug", outcome = "fails", broken = true }, { "mended", outcome = "works", broken = false } },

  run = function(net, v)
    local client, server = net.client, net.server
    local bug, fails = v.broken, v.outcome == "fails"

    local listener = server:listen(443)
    local serving = task(function()
      local conn = listener:accept()
      if not conn then return end
      local take = reader(conn)
      take(274)
      conn:write(filler(3174))
      take(126)
      conn:write(filler(258))
      take(237)
      sleep "1s"
      conn:write(filler(75953))
      conn:close()
    end)

    local conn = client:dial { to = listener }
    if conn then
      local take = reader(conn)
      sleep "50ms"
      conn:write(filler(274))
      take(3174)
      conn:write(filler(75))
      conn:write(filler(51))
      take(258)
      conn:write(filler(237))
      take(75953)
      take(math.huge)
      if bug then conn:write(filler(31)) end
    end
    wait(serving)

    step "verdict"
    if fails then
      expect(net.trace):includes { from = server, rst = { kind = "passive" } }
      expect(net.trace):includes { from = server, tcp = "fin" }
    else
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
