-- Tunnels that not every kernel has: skipped with a reason where they are missing.

local function fetch(a, b)
  local file = b:serve { port = 80, body = ("x"):rep(6000) }
  expect(a:fetch { from = file, timeout = "5s" }.bytes):equals(6000)
end

for _, ip in ipairs { 4, 6, "dual" } do
  local v = "-v" .. ip

  for _, kind in ipairs(ip == "dual" and { "gre", "wireguard" } or { "gre", "ipip", "wireguard" }) do
    scenario(kind .. v) {
      topology = path {
        host "a", wire {}, router "left", wire {}, router "core", wire {}, router "right", wire {}, host "b",
        ip = ip, tunnels = { tunnel { kind, between = { "left", "right" } } },
      },
      run = function(net)
        fetch(net.a, net.b)
        -- Two hops, not three.
        expect(net.trace:at(net.b)):includes { tcp = "syn", ttl = 62 }
        if kind == "wireguard" then expect(net.trace:at(net.core)):never { proto = "tcp" } end
      end,
    }
  end
end
