-- A segment that nobody acknowledges: a quarter of an hour until the program is told.
scenario "retries-to-the-end" {
  about = [[
    The path is cut without a word. The kernel sends the segment again after ever longer
    pauses, up to two minutes, 15 times (tcp_retries2), and gives up after 924.6 s or more. Until
    then every write succeeds, and the program believes that all is well.
  ]],
  symptom   = "After a failover or a pulled cable clients hang for a quarter of an hour, then say ETIMEDOUT; restarts help at once.",
  is_not    = "A slow server: not one acknowledgement came.",
  recognise = "ss -ti: timer:(on,...,N) with N growing, backoff, and unacked; the same segment in captures, 0.2 s to 120 s apart.",
  kernels   = "The first timeout follows from the round trip; with the least one, 200 ms, the sum is 924.6 s. Before them comes one probe for a lost tail.",
  cure      = "TCP_USER_TIMEOUT on the socket, or a smaller net.ipv4.tcp_retries2; for idle sockets keep-alive.",
  sources   = { "ip-sysctl: tcp_retries2", "RFC 1122 section 4.2.3.5", "RFC 5482" },
  shows     = { "idle retries2" },
  tags      = { "tcp", "timeout", "idle" },
  needs     = { "virtual time" },
  timeout   = "30m",
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-default",  outcome = "quarter", times = ">= 15", not_before = "15m", until_then = "3m" },
    { "retries2-8",   outcome = "soon", retries2 = 8, times = ">= 8", not_before = "90s", until_then = "1m" },
    { "user-timeout", outcome = "soon", user_timeout = "30s", times = ">= 4", not_before = "25s", until_then = "30s" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.retries2 then client:sysctl("net.ipv4.tcp_retries2", v.retries2) end
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.user_timeout then c:set { user_timeout = v.user_timeout } end
    c:write "hello"
    s:read()
    must(net.trace:at(client)):includes { to = client, tcp = "ack", len = 0 }

    net.lan:drop { from = client }
    c:write "is anybody there?"
    expect(select(2, c:read { timeout = v.not_before }), "it still hopes"):equals "timeout"
    expect(select(2, c:read { timeout = v.until_then })):equals "ETIMEDOUT"
    expect(net.trace:at(client)):includes { from = client, payload = "is anybody there?", tcp = "rto", times = v.times }
    expect(net.trace, "it ends without a word"):never { tcp = "rst" }
    expect(client.counters.TCPAbortOnTimeout):equals(1)
  end,
}
