-- tcp_mtu_probing: 0, 1 and 2, for downloads and for uploads.
scenario "mtu-probing" {
  about = [[
    The sender may find a black hole by itself. With tcp_mtu_probing = 1 it does so
    after three seconds of retransmissions and goes on with 1024 bytes
    (tcp_base_mss; pmtu-blackhole shows it). With 2 the side that opened the connection begins at 1024 and
    probes upward, without any stall; the side that was connected to does not begin
    there and stalls as with 1, then halves to 512. What serves downloads is the
    side that was connected to.
  ]],
  symptom   = "With probing on, every first download takes seconds and then runs at full speed.",
  is_not    = "A slow start or a slow disk: nothing moves at all, then everything.",
  recognise = "nstat -az TcpExtTCPMTUPSuccess TcpExtTCPMTUPFail; a retransmission that is suddenly 1024 or 512 bytes long.",
  kernels   = "The seconds are those of retransmits_timed_out(tcp_retries1) and differ between kernels: three or six.",
  cure      = "Probing is first aid. Mend the path: ICMP through, or the MSS clamped.",
  sources   = { "RFC 4821", "net/ipv4/tcp_timer.c: tcp_mtu_probing" },
  shows     = { "office g", "office n" },
  tags      = { "tcp", "pmtu", "slow" },
  needs     = { "nftables" },

  topology = path {
    host "client", wire {}, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire {}, host "server",
  },

  variants = {
    { "bug-download",       outcome = "stalls" },
    { "download-probing-2", outcome = "limps", probing = 2, base = 512 },
    { "bug-upload",         outcome = "stalls", up = true },
    { "upload-probing-2",   outcome = "works", up = true, probing = 2, base = 1024 },
  },

  run = function(net, v)
    local sender = v.up and net.client or net.server
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    net.isp:drop  { out = true, icmp = "frag-needed", optional = true }
    if v.probing then sender:sysctl("net.ipv4.tcp_mtu_probing", v.probing) end

    local site = net.server:serve { port = 80, routes = { ["/"] = { size = 30000 }, ["/sink"] = { upload = true, body = "thanks" } } }
    local got  = net.client:fetch { from = site, path = v.up and "/sink" or "/", upload = v.up and 30000 or nil, timeout = v.probing and "12s" or "2s" }
    local sent = net.trace:at(sender)

    if v.outcome == "stalls" then
      expect(got.error):matches "timeout"
      expect(sent):retransmits { from = sender, len = 1448, times = ">= 2", backoff = "exponential" }
      expect(sender.counters.TCPMTUPSuccess):equals(0)
    elseif v.outcome == "limps" then
      expect(got):succeeds { after = "2s", before = "12s" }
      expect(sent):retransmits { from = sender, len = 1448, times = ">= 2", backoff = "exponential" }
      expect(sent):includes { from = sender, tcp = "rexmit", len = v.base }
    else
      expect(got):succeeds { before = "2s" }
      expect(sent, "it begins small"):never { from = sender, tcp = "data", len = 1448 }
      expect(sent):includes { from = sender, tcp = "data", len = v.base }
      expect(sender.counters.TCPMTUPSuccess, "probes that came through"):at_least(1)
      expect(sent):never { tcp = "rto" }
    end
  end,
}
