-- Who threw the "fragmentation needed" away?
scenario "icmp-filtered" {
  about = [[
    The narrow hop does its duty and says "fragmentation needed". Somebody throws
    it away: the server's own firewall or security group, a firewall on the way, or
    the router that should have sent it. The stall is the same; where the message
    was last seen tells whom to call.
  ]],
  symptom   = "Large transfers hang; the network team swears that it sends the ICMP messages.",
  is_not    = "Proof that the path is fine: whoever filters echo usually filters these too.",
  recognise = "tcpdump 'icmp[0] == 3 and icmp[1] == 4' at the server: seen there, its own rules are to blame; not seen, somebody before it.",
  cure      = "Accept ICMP type 3 code 4 before any rule that drops ICMP (ct state related covers it).",
  sources   = { "RFC 1191 section 6", "RFC 2979 section 3.1.1", "RFC 4890" },
  shows     = { "office f", "office g" },
  tags      = { "tcp", "pmtu", "icmp", "firewall" },
  needs     = { "nftables", "conntrack" },

  topology = path {
    host "client", wire { delay = "15ms" }, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire { name = "dmz" },
    router "firewall", wire { name = "lan" }, host "server",
  },

  variants = {
    { "bug-at-the-server",  outcome = "stalls", filter = "server" },
    { "bug-on-the-way",     outcome = "stalls", filter = "firewall" },
    { "bug-never-sent",     outcome = "stalls", filter = "edge" },
    { "related-accepted",   outcome = "works",  filter = "server", accept = true },
    { "icmp-passes",        outcome = "works" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.accept then server:accept { ["in"] = true, ct = "related" } end
    if v.filter == "server"   then server:drop { ["in"] = true, icmp = "frag-needed", optional = v.accept } end
    if v.filter == "firewall" then net.firewall:drop { fwd = true, icmp = "frag-needed" } end
    if v.filter == "edge"     then net.edge:drop { out = true, icmp = "frag-needed" } end

    local site = server:serve { port = 80, size = 2500 }
    local got  = client:fetch { from = site, timeout = "2600ms" }

    if v.outcome == "stalls" then
      expect(got.error):equals "read timeout"
      expect(net.trace:at(server)):retransmits { from = server, len = 1448, times = ">= 2", backoff = "exponential" }
      -- Where it was last seen.
      local told, reached = net.trace:at(net.edge), net.trace:at(server)
      if v.filter == "edge" then
        expect(told):never { icmp = "frag-needed" }
      elseif v.filter == "firewall" then
        expect(told):includes { icmp = "frag-needed" }
        expect(reached):never { icmp = "frag-needed" }
      else
        expect(reached):includes { icmp = "frag-needed" }
        expect(server.counters.IcmpInDestUnreachs, "its firewall was before its ICMP"):equals(0)
      end
    else
      expect(got):succeeds { before = "1500ms" }
      expect(net.trace:at(server)):includes { icmp = "frag-needed", to = server }
      expect(net.trace:at(server)):after({ icmp = "frag-needed" }):includes { from = server, tcp = "rexmit", len = 1348, seq = 1 }
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
