-- Ping lies, the other way: echo is filtered while TCP lives.
scenario "ping-silent-tcp-fine" {
  about = [[
    The server does not answer pings: a sysctl, a firewall rule or a security group.
    TCP does not care. And the rule that was meant to do it may do nothing: a DROP
    appended behind an ACCEPT is never reached, so the order of rules decides.
  ]],
  symptom   = "Ping says 100 % loss, so the server is reported down; the site works.",
  is_not    = "An outage. A traceroute over TCP reaches the port.",
  recognise = "mtr --tcp --port 443; nft list ruleset with counters shows which rule was met.",
  cure      = "Probe with TCP. In rules: the drop before the accept, and look at the counters.",
  sources   = { "ip-sysctl: icmp_echo_ignore_all" },
  shows     = { "office f" },
  tags      = { "icmp", "firewall" },
  needs     = { "nftables" },

  topology = path { host "client", wire {}, router "edge", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-sysctl",         outcome = "silent",   sysctl = true },
    { "bug-firewall",       outcome = "silent",   rules = "drop" },
    { "drop-before-accept", outcome = "silent",   rules = "drop accept" },
    { "accept-before-drop", outcome = "answered", rules = "accept drop" },
    { "no-filter",          outcome = "answered" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.sysctl then server:sysctl("net.ipv4.icmp_echo_ignore_all", 1) end
    local rule = {}
    for verb in (v.rules or ""):gmatch "%a+" do
      rule[verb] = server[verb](server, { ["in"] = true, icmp = "echo-request", optional = true })
    end
    local site = server:serve { port = 443, body = "here I am" }

    local ping = client:ping { to = server, count = 3, interval = "10ms", timeout = "200ms" }
    local hops = client:traceroute { to = server, by = "tcp", port = 443, tries = 1 }
    expect(hops.reached, "mtr over TCP"):is_true()
    expect(client:fetch { from = site }):succeeds()
    expect(net.trace:at(server), "the requests did arrive"):exactly(3, { from = client, icmp = "echo-request" })

    if v.outcome == "silent" then
      expect(ping.received):equals(0)
      expect(net.trace:at(server)):never { from = server, icmp = "echo-reply" }
      if rule.drop then expect(rule.drop.hits):equals(3) end
    else
      expect(ping.received):equals(3)
      if rule.drop then expect(rule.drop.hits, "a rule that is never reached"):equals(0) end
    end
  end,
}
