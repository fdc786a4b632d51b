-- Keep-alive is on, and nobody changed when: the first probe comes after two hours.

scenario "keepalive-two-hours" {
  about = [[
    A program turns keep-alive on so that idle connections live. tcp_keepalive_time is
    two hours, and the gateway on the way forgets after one. When the first probe comes
    the gateway knows no such connection, takes the probe for its own, and resets it:
    the keep-alive does not keep the connection alive, it ends it.
  ]],
  symptom   = "SO_KEEPALIVE is set, and idle connections end with ECONNRESET after two hours, to the minute.",
  is_not    = "The peer: it was never asked. Nor the program: it was told at 7200 s.",
  recognise = "ss -o shows timer:(keepalive,119min,0). In a capture nothing for two hours, then one segment of length 0 and a reset.",
  kernels   = "The probe comes up to 131 s late: timers of two hours go off in steps of 32768 jiffies (at 250 Hz).",
  cure      = "TCP_KEEPIDLE, or net.ipv4.tcp_keepalive_time, below the shortest idle timeout on the way.",
  sources   = { "RFC 1122 section 4.2.3.6", "tcp(7): tcp_keepalive_time", "RFC 5382 REQ-5" },
  shows     = { "idle keepalive" },
  tags      = { "tcp", "nat", "idle", "keep-alive" },
  needs     = { "nftables", "conntrack", "virtual time" },
  timeout   = "4h",
  topology  = path { host "client", wire { name = "lan" }, router "gateway", wire { name = "wan" }, host "server" },

  variants = {
    { "bug-default",     outcome = "reset", idle = "2h", memory = "1h" },
    { "every-half-hour", outcome = "lives", idle = "30m", memory = "1h" },
    { "long-memory",     outcome = "asked", idle = "2h", memory = "5h" },
  },

  run = function(net, v)
    local client, gateway, server = net.client, net.gateway, net.server
    gateway:masquerade { oif = net.wan, tcp = true }
    gateway:track { timeouts = { established = v.memory } }
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    s:set { keepidle = v.idle, keepalive = true }
    c:write "hello"
    s:read()

    if v.outcome == "lives" then
      sleep "3h"
      expect(net.trace:at(client)):includes { to = client, tcp = "keep-alive", times = ">= 5" }
      s:write "still there"
      expect(c:read()):equals "still there"
      expect(net.trace):never { tcp = "rst" }
      return
    end
    sleep "7190s"
    expect(net.trace, "not before two hours"):never { tcp = "keep-alive" }
    sleep "150s"
    expect(net.trace:at(server), "one probe, a little late"):includes { from = server, tcp = "keep-alive", times = 1 }
    if v.outcome == "reset" then
      expect(select(2, s:read { timeout = "5s" })):equals "ECONNRESET"
      expect(net.trace:at(client), "the client was not asked"):never { to = client, tcp = "keep-alive" }
      expect(net.trace:at(server)):includes { to = server, flags = "R", ttl = 64 }
    else
      expect(net.trace:at(client)):includes { to = client, tcp = "keep-alive" }
      s:write "still there"
      expect(c:read()):equals "still there"
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
