-- Two connections, one client port, and a REDIRECT that makes them twins.
scenario "redirect-port-clash" {
  about = [[
    The gateway redirects :443 to its proxy on :8443. A client that already has
    a connection to :8443 opens :443 from the same source port. Rewritten, both
    would be client:40000 > gateway:8443, so conntrack hands the newcomer
    another source port and the proxy's log names a port nobody used. Kernels before
    6.7 find the first connection's socket before the rewriting (early demux) and
    keep it: the second SYN is answered with a challenge ACK of the first
    connection, and never connects.
  ]],
  symptom   = "The second of two connections never opens, or the proxy logs source ports that no client used.",
  is_not    = "A full accept queue, nor a firewall: the first connection works.",
  recognise = "A SYN to one port answered by a bare ACK from another; nstat -az TcpExtTCPSYNChallenge counts them. On fixed kernels: conntrack -L with a reply port that differs.",
  kernels   = "Mended by e27c3295114b in 6.7, which 5.10 to 6.6 have not got; Debian's 6.1.187 shows the failure, 6.18 the other port.",
  cure      = "net.ipv4.tcp_early_demux = 0 on old kernels; another client port; a proxy port that nobody reaches directly.",
  sources   = { "e27c3295114b netfilter: nf_nat: fix source port clash", "03a3ca37e4c6" },
  shows     = { "resets case-3.1" },
  tags      = { "nat", "redirect", "conntrack" },
  needs     = { "nftables", "conntrack" },
  timeout   = "20s",
  topology  = path { host "client", wire {}, host "gateway" },

  variants = {
    { "bug",          outcome = "clash", port = 40000, proxy = 8443 },
    { "other-port",   outcome = "kept",  port = 40001, proxy = 8443 },
    { "private-port", outcome = "kept",  port = 40000, proxy = 9443 },
  },

  run = function(net, v)
    local client, gateway = net.client, net.gateway

    -- One offset of timestamps for both connections: else the second may seem older
    -- than the first, which is another reason to refuse it.
    client:sysctl("net.ipv4.tcp_timestamps", 2)
    gateway:redirect { tcp = 443, to = v.proxy }
    local public = gateway:listen(8443)
    local proxy  = v.proxy == 8443 and public or gateway:listen(v.proxy)

    step "first connection, straight to 8443"
    local first = client:dial { to = gateway, port = 8443, from_port = 40000 }
    expect(public:accept().peer.port):equals(40000)

    step "second connection, through the redirect"
    local second, err = client:dial { to = gateway, port = 443, from_port = v.port, timeout = "3500ms" }

    if v.outcome == "clash" and second then
      print "this kernel gives the newcomer another source port (6.7 and later)"
      local peer = proxy:accept().peer
      expect(peer.port, "the port the proxy logs"):differs_from(v.port)
      expect(net.trace:at(gateway)):every { tcp = "syn" }:has { sport = 40000 }
      expect(gateway:conntrack { sport = 40000, dport = 443 }):has { reply_dport = peer.port }
      expect(gateway.counters.TCPSYNChallenge):equals(0)
    elseif v.outcome == "clash" then
      print "this kernel answers the newcomer with a challenge ACK of the first connection (before 6.7)"
      expect(err):equals "timeout"
      expect(net.trace:at(client):count { flags = "S", dport = 443 }):at_least(2)
      expect(net.trace:at(client)):never { tcp = "synack", sport = 443 }
      expect(gateway.counters.TCPSYNChallenge):at_least(2)
      first:write "still here"
      expect(net.trace:at(gateway)):includes { payload = "still here" }
    else
      must(err):is_nil()
      expect(proxy:accept().peer.port):equals(v.port)
    end
  end,
}
