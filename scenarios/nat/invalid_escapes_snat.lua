-- An INVALID segment leaves the NAT gateway with its private address.
local reset = require "reset"

scenario "invalid-escapes-snat" {
  about = [[
    Behind the gateway's masquerade a client sends a segment far out of the window. It
    is INVALID, so it is not rewritten, and reaches the server with the client's own
    private address. The server has no such connection; its listener resets it. On the
    way back the reset matches the client's connection, whose number it has, and the
    client is dead, while the server's real connection goes on.
  ]],
  symptom   = "Private addresses in a capture at the server, and resets for them.",
  is_not    = "A routing fault: one segment in a million has the wrong source.",
  recognise = "tcpdump on the upstream side of the gateway: src net 10.0.0.0/8 and tcp. Each is answered with R.",
  kernels   = "All.",
  cure      = "ct state invalid drop on the gateway's forward chain, or nf_conntrack_tcp_be_liberal = 1.",
  sources   = { "net/netfilter/nf_nat_core.c: nf_nat_inet_fn" },
  shows     = { "resets case-3.2" },
  tags      = { "nat", "masquerade", "conntrack", "rst" },
  needs     = { "nftables", "conntrack" },
  topology  = path { host "client", wire { name = "lan" }, router "gateway", wire { name = "wan" }, host "server" },

  variants = {
    { "bug",          outcome = "killed" },
    { "drop-invalid", outcome = "lives", drop = true },
    { "be-liberal",   outcome = "lives", liberal = true },
  },

  run = function(net, v)
    local client, gateway, server = net.client, net.gateway, net.server
    gateway:masquerade { oif = net.wan, tcp = true }
    if v.drop then gateway:drop { fwd = true, ct = "invalid" } end
    if v.liberal then gateway:track { be_liberal = true } end
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    c:write "hello"
    s:read()
    s:write "welcome"
    c:read()
    must(net.trace:at(server)):after({ payload = "welcome" }):includes { to = server, tcp = "ack" }

    net.lan:inject { name = "a segment out of the window", conn = c, toward = server, flags = ".", seq = c.snd_next + 200000000, payload = "x" }
    local _, err = c:read { timeout = "300ms" }
    local upstream = net.trace:at(server)

    if v.outcome == "killed" then
      expect(err):equals "ECONNRESET"
      expect(upstream, "its own address, upstream"):includes { src = client, to = server }
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "listener", looks = "no-socket", reason = "TCP_FLAGS" })
      expect(s:info().state):equals "ESTABLISHED"
    else
      expect(err):equals "timeout"
      expect(net.trace):never { tcp = "rst" }
      expect(upstream):never { src = client }
      c:write "still here"
      expect(s:read()):equals "still here"
    end
  end,
}
