-- A cloud's gateway forgets after 350 seconds, a firewall after 15 minutes.
scenario "gateway-idle-timeout" {
  about = [[
    Gateways of clouds forget a connection that was idle for some minutes, at one provider
    350 s, and say nothing. What comes then from inside belongs to no connection they
    know, and is dropped: the client sends it again until it gives up.
  ]],
  symptom   = "Pooled connections hang at their first use after some minutes of silence; under load it never happens.",
  is_not    = "The server: it holds the connection still, and was never asked.",
  recognise = "Nothing for longer than the gateway's timeout, then one segment sent again and again; the server's capture ends before it.",
  kernels   = "With nf_conntrack_tcp_loose = 1, the default of Linux, the gateway would take it for a new connection.",
  cure      = "Keep-alives, or an idle limit of the pool, shorter than the gateway's timeout.",
  sources   = { "RFC 5382 REQ-5: not less than 2 hours 4 minutes", "nf_conntrack-sysctl: nf_conntrack_tcp_loose" },
  shows     = { "idle gateway" },
  tags      = { "nat", "conntrack", "idle" },
  needs     = { "nftables", "conntrack", "virtual time" },
  timeout   = "1h",
  topology  = path { host "client", wire { name = "lan" }, router "gateway", wire { name = "wan" }, host "server" },

  variants = {
    { "bug-350-seconds",     outcome = "hangs", memory = "350s", idle = "355s" },
    { "bug-fifteen-minutes", outcome = "hangs", memory = "15m", idle = "15m5s" },
    { "used-in-time",        outcome = "lives", memory = "350s", idle = "340s" },
    { "keep-alive",          outcome = "lives", memory = "350s", idle = "30m", keepidle = "5m" },
  },

  run = function(net, v)
    local client, gateway, server = net.client, net.gateway, net.server
    gateway:sysctl("net.netfilter.nf_conntrack_tcp_loose", 0)
    gateway:masquerade { oif = net.wan, tcp = true }
    gateway:drop { fwd = true, ct = "invalid", optional = true }
    gateway:track { timeouts = { established = v.memory } }
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.keepidle then c:set { keepidle = v.keepidle, keepintvl = v.keepidle, keepalive = true } end
    c:write "first"
    s:read()
    sleep(v.idle)
    c:write "second"

    if v.outcome == "hangs" then
      expect(select(2, s:read { timeout = "20s" })):equals "timeout"
      expect(net.trace:at(client)):includes { from = client, payload = "second", tcp = "rto", times = ">= 4" }
      expect(net.trace:at(server)):never { payload = "second" }
      expect(net.trace):never { tcp = "rst" }
    else
      expect(s:read()):equals "second"
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
