-- The native cousin: NAT uses a port again, and the server remembers it.
scenario "timewait-port-reuse" {
  about = [[
    A NAT gateway gives a new connection the port of one that the server closed a
    moment ago. The server still has a TIME_WAIT for it, and since every connection
    has a timestamp offset of its own the new SYN may look old. The server answers
    with an ACK of the old connection, the client resets that, and its SYN, sent
    again at once, then gets through: 10 ms instead of one. With tcp_rfc1337 = 1 the
    reset does not end the TIME_WAIT, and behind a firewall that drops the strange ACK
    no reset is sent: then nothing opens for as long as the TIME_WAIT lasts.
  ]],
  symptom   = "Connects through NAT take 10 ms or a second now and then, or fail for a minute; half of the queries per second after --random-fully.",
  is_not    = "tcp_tw_recycle: it is gone. Nor loss: each SYN is answered.",
  recognise = "SYN -> bare ACK with old numbers -> R from the client -> SYN again; nstat -az TcpExtPAWSTimewait on the server, PAWSEstab on older kernels.",
  kernels   = "All; the SYN is sent again at once (TCP_TIMEOUT_MIN) on 5.10 and later. Offsets are per connection since 165573e41f2f.",
  cure      = "Clients that close first; a wider port range and no quick reuse at the gateway; tcp_rfc1337 = 0; let the ACK pass.",
  sources   = { "RFC 6191", "RFC 1337", "net/ipv4/tcp_minisocks.c: tcp_timewait_state_process" },
  shows     = { "office b'", "resets B6" },
  tags      = { "tcp", "nat", "time-wait", "timestamps" },
  needs     = { "nftables", "conntrack" },

  topology = path { host "client", wire { name = "lan" }, router "nat", wire { name = "wan" }, host "server" },

  variants = {
    { "bug",                 outcome = "limps",   older = true },
    { "bug-rfc1337",         outcome = "refused", older = true, rfc1337 = 1 },
    { "bug-ack-filtered",    outcome = "lost",    older = true, filter = true },
    { "client-closes-first", outcome = "works",   older = true, client_first = true },
    { "newer-timestamp",     outcome = "works" },
  },

  run = function(net, v)
    local client, nat, server = net.client, net.nat, net.server
    client:sysctl("net.ipv4.tcp_timestamps", 2)
    if v.rfc1337 then server:sysctl("net.ipv4.tcp_rfc1337", v.rfc1337) end
    nat:masquerade { oif = net.wan, tcp = true, port = 5000 }
    if v.filter then net.lan:drop { name = "a firewall that expects a SYN-ACK", from = server, flags = ".", dport = 40001 } end

    local l = server:listen(80)
    local one = client:dial { to = l, from_port = 40000 }
    local s = l:accept()
    if v.client_first then
      one:close()
      s:read_all()
      s:close()
    else
      s:close()
      one:read_all()
      one:close()
    end
    must(net.trace:at(server), "both have closed"):exactly(1, { from = server, tcp = "fin" })
    must(net.trace:at(server)):exactly(1, { to = server, tcp = "fin" })
    -- Seen on its way is not yet taken in: that the acknowledgement says.
    if v.client_first then
      must(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { to = server, flags = "." } }
    else
      must(net.trace:at(client)):sequence { { from = client, tcp = "fin" }, { to = client, flags = "." } }
    end
    expect(#server:sockets { state = "TIME_WAIT" }):equals(v.client_first and 0 or 1)

    -- The gateway forgets it, and gives its port to the next.
    nat:forget { proto = "tcp" }
    if v.older then
      net.lan:box(function(pkt)
        if pkt.is_tcp and pkt.sport == 40001 and pkt.tsval then pkt:rewrite { tsval = "-1000000" }
        elseif pkt.is_tcp and pkt.dport == 40001 and pkt.tsecr and pkt.tsecr ~= 0 then pkt:rewrite { tsecr = "+1000000" } end
      end, { name = "another offset" })
    end
    local two, err = client:dial { to = l, from_port = 40001, timeout = "2500ms" }
    local t = net.trace:at(server)
    expect(t:count { flags = "S", sport = 5000 }, "the port again"):at_least(2)
    -- Kernels without this counter count such SYNs among others.
    local paws = server.counters.PAWSTimewait

    if v.outcome == "limps" then
      expect(err):is_nil()
      expect(t):sequence {
        { to = server, flags = "S" }, { to = server, flags = "S" }, { from = server, flags = "." },
        { to = server, flags = "R" }, { to = server, flags = "S" }, { from = server, flags = "S." },
      }
      if paws then expect(paws):equals(1) end
      expect(client.counters.TCPSynRetrans):equals(1)
    elseif v.outcome == "refused" then
      expect(err):equals "timeout"
      if paws then expect(paws):at_least(2) end
      expect(#server:sockets { state = "TIME_WAIT" }, "it is still there"):equals(1)
      expect(t:count { to = server, flags = "R" }):at_least(2)
    elseif v.outcome == "lost" then
      expect(err):equals "timeout"
      if paws then expect(paws):at_least(2) end
      expect(t):never { to = server, flags = "R" }
      expect(net.trace:at(client)):never { from = server, dport = 40001 }
    else
      expect(err):is_nil()
      if paws then expect(paws):equals(0) end
      expect(t):never { tcp = "rst" }
      expect(client.counters.TCPSynRetrans):equals(0)
      expect(two.peer.port):equals(80)
    end
  end,
}
