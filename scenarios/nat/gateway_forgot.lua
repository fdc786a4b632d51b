-- The NAT gateway forgot the connection.
local reset = require "reset"

scenario "gateway-forgot" {
  about = [[
    A connection is idle for longer than the gateway remembers it, or its table was
    flushed. If the server speaks first, the segment is for the gateway's own address
    and nothing says that it is for anybody else: the gateway's kernel resets it. If
    the client speaks first it may get another port, and the server, which knows no
    such connection, resets that.
  ]],
  symptom   = "The first use of a connection after a pause of five minutes or an hour fails with ECONNRESET.",
  is_not    = "The peer: it has sent nothing, and its TTL would be another.",
  recognise = "The reset's TTL is one hop nearer than that of the peer's other packets; conntrack -L on the gateway has no entry.",
  kernels   = "nf_conntrack_tcp_timeout_established is five days, but gateways of clouds use minutes.",
  cure      = "Keep-alives shorter than the gateway's timeout (net.ipv4.tcp_keepalive_time); a longer timeout.",
  sources   = { "RFC 5382 REQ-5", "RFC 9293 section 3.8.4" },
  shows     = { "resets nat-state" },
  tags      = { "nat", "masquerade", "conntrack", "rst", "idle" },
  needs     = { "nftables", "conntrack" },
  topology  = path { host "client", wire { name = "lan" }, router "gateway", wire { name = "wan" }, host "server" },

  variants = {
    { "bug-server-speaks", outcome = "gateway-resets", forget = true, first = "server" },
    { "bug-client-speaks", outcome = "server-resets",  forget = true, first = "client" },
    { "remembered",        outcome = "lives", first = "server" },
  },

  run = function(net, v)
    local client, gateway, server = net.client, net.gateway, net.server
    gateway:masquerade { oif = net.wan, tcp = true, fully_random = true }
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    c:write "hello"
    s:read()
    must(net.trace:at(client)):includes { from = server, tcp = "ack", len = 0, flags = "." }
    if v.forget then expect(gateway:forget { proto = "tcp" }):equals(1) end

    local speaker, other = s, c
    if v.first == "client" then speaker, other = c, s end
    speaker:write "anybody there?"

    if v.outcome == "gateway-resets" then
      expect(select(2, s:read { timeout = "2s" })):equals "ECONNRESET"
      -- By its TTL it comes from the middle, as a firewall's would; the kernel says that it was none.
      reset.expected(net, gateway, { kind = "passive", looks_kind = "firewall", flags = "R", cause = "no-socket", looks = "rejected", reason = "NO_SOCKET" })
      expect(net.trace:at(client), "the client hears nothing"):never { payload = "anybody" }
      expect(net.trace:at(server)):includes { to = server, flags = "R", ttl = 64 }
      expect(net.trace:at(server), "the client is a hop farther"):includes { to = server, flags = "S", ttl = 63 }
    elseif v.outcome == "server-resets" then
      expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "listener", looks = "no-socket", reason = "TCP_FLAGS" })
      local first = net.trace:at(server):packets { to = server, flags = "S" }[1]
      expect(net.trace:at(server), "not from its port"):never { to = server, payload = "anybody", sport = first.sport }
      expect(net.trace:at(server)):includes { to = server, payload = "anybody" }
    else
      expect(other:read()):equals "anybody there?"
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
