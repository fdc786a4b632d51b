-- iperf3 between two hosts. A scenario that uses it says needs = { "iperf3" },
-- and has direct wires for volume.

local iperf3 = {}

-- run measures from client to server, for so many seconds. What it returns has
-- bits_per_second and retransmits.
function iperf3.run(client, server, o)
  o = o or {}
  local port = o.port or 5201
  local s = server:start { "iperf3", "-s", "-1", "-p", tostring(port), ready = { port = port }, quiet = true }
  local args = { "iperf3", "-c", server.addr, "-p", tostring(port), "-t", tostring(o.seconds or 1), "-J", quiet = true, timeout = o.timeout or "20s" }
  for _, a in ipairs(o.args or {}) do args[#args + 1] = a end
  local e = client:run(args)
  s:stop { grace = "1s" }
  local sum = e.output:match '"sum_sent":%s*(%b{})' or ""
  return {
    exit = e,
    bits_per_second = tonumber(sum:match '"bits_per_second":%s*([%d.eE+]+)'),
    retransmits = tonumber(sum:match '"retransmits":%s*(%d+)'),
  }
end

return iperf3
