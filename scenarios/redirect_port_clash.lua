-- Two connections, one client port, and a REDIRECT that makes them twins.
scenario "redirect-port-clash" {
  about = [[
    The gateway redirects :443 to its proxy on :8443. A client that already has
    a connection to :8443 opens :443 from the same source port. Rewritten, both
    would be client:40000 > gateway:8443, so conntrack hands the newcomer
    another source port and the proxy's log names a port nobody used.
  ]],
  tags     = { "nat", "redirect", "conntrack" },
  needs    = { "nftables", "conntrack" },
  timeout  = "10s",
  topology = path { host "client", wire {}, host "gateway" },

  variants = {
    { "bug",          outcome = "rewritten", port = 40000, proxy = 8443 },
    { "other-port",   outcome = "kept",      port = 40001, proxy = 8443 },
    { "private-port", outcome = "kept",      port = 40000, proxy = 9443 },
  },

  run = function(net, v)
    local client, gateway = net.client, net.gateway

    gateway:redirect { tcp = 443, to = v.proxy }
    local public = gateway:listen(8443)
    local proxy  = v.proxy == 8443 and public or gateway:listen(v.proxy)

    step "first connection, straight to 8443"
    client:dial { to = gateway, port = 8443, from_port = 40000 }
    expect(public:accept().peer.port):equals(40000)

    step "second connection, through the redirect"
    client:dial { to = gateway, port = 443, from_port = v.port }
    local peer = proxy:accept().peer

    if v.outcome == "rewritten" then
      expect(peer.port, "the port the proxy logs"):differs_from(40000)
      expect(net.trace:at(gateway)):every { tcp = "syn" }:has { sport = 40000 }
      expect(gateway:conntrack { sport = 40000, dport = 443 }):has { reply_dport = peer.port }
    else
      expect(peer.port):equals(v.port)
    end
  end,
}
