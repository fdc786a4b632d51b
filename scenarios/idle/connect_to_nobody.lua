-- A SYN that nobody answers: two minutes until connect() fails.
scenario "connect-to-nobody" {
  about = [[
    The address is not there, or a filter drops SYNs in silence. connect() waits until
    the last of tcp_syn_retries has gone unanswered: 127 s with pauses that double, and
    longer still where four more come first, a second apart.
  ]],
  symptom   = "With one node down, requests to it take one or two minutes instead of failing at once.",
  is_not    = "A refused connection: that is answered with a reset, at once.",
  recognise = "ss -t state syn-sent; SYNs from one port at 1, 3, 7, 15, 31 and 63 s; since 6.5 four more before those, a second apart.",
  kernels   = "Since 6.5 four SYNs come a second apart first, and tcp_syn_retries counts only those after them (net.ipv4.tcp_syn_linear_timeouts).",
  cure      = "A timeout in the program, or TCP_USER_TIMEOUT; a smaller net.ipv4.tcp_syn_retries; filters that reject.",
  sources   = { "ip-sysctl: tcp_syn_retries, tcp_syn_linear_timeouts", "RFC 6298 section 5.5" },
  shows     = { "idle syn" },
  tags      = { "tcp", "timeout", "connect" },
  needs     = { "virtual time" },
  timeout   = "10m",
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-default", outcome = "minutes", not_before = "60s", until_then = "2m" },
    { "retries-2",   outcome = "soon", retries = 2, not_before = "2s", until_then = "10s" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.retries then client:sysctl("net.ipv4.tcp_syn_retries", v.retries) end
    server:listen(80)
    net.lan:drop { from = client, flags = "S" }
    local failed
    local t = task(function() failed = select(2, client:dial { to = server, port = 80, timeout = "9m" }) end)
    sleep(v.not_before)
    expect(failed == nil, "it still hopes"):is_true()
    sleep(v.until_then)
    expect(failed):equals "ETIMEDOUT"
    t:wait()
    expect(net.trace:at(client)):includes { from = client, flags = "S", times = v.outcome == "soon" and ">= 3" or ">= 7" }
    expect(net.trace):never { from = server }
  end,
}
