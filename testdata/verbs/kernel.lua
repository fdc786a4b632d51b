-- Why a reset was sent: the kernel's own reason and stack where it may be asked,
-- what the packets tell where it may not, and the counter that moved.

local function each(name, run, o)
  o = o or {}
  for _, ip in ipairs(o.ip or { 4, 6 }) do
    scenario("kernel-" .. name .. "-v" .. ip) {
      tags = { "rst", "kernel" },
      needs = o.needs,
      machine = o.machine,
      topology = path { host "client", wire { name = "lan", delay = o.delay }, host "server", ip = ip },
      run = function(net) run(net, ip) end,
    }
  end
end

local function open(net, o)
  o = o or {}
  local l = net.server:listen(80, { backlog = o.backlog })
  local c = net.client:dial { to = l }
  local s = l:accept()
  return c, s, l
end

-- reset expects one of a kind, with what the kernel says of it where it can be
-- asked.
local function reset(net, from, want)
  local asked = net.evidence == "kernel"
  local rst = { kind = want.kind, cause = want.cause, evidence = net.evidence }
  -- What answers a packet was called where packets come in.
  local through = want.through or want.kind == "passive" and (from.addr:find ":" and "tcp_v6_rcv" or "tcp_v4_rcv") or nil
  if asked then rst.reason, rst.state, rst.through, rst.process = want.reason, want.state, through, want.process end
  expect(net.trace:at(from), want.reason):includes { from = from, tcp = "rst", rst = rst }
  for name, n in pairs(want.counters) do
    expect(from.counters[name], name):equals(n)
  end
  if asked then
    expect(#from:events { kind = "reset", reason = want.reason }):at_least(1)
  else
    expect(from:events()):is_nil()
  end
end

each("linger0", function(net)
  local c, s = open(net)
  s:set { linger = 0 }
  s:close()
  expect(select(2, c:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "active", cause = "linger", reason = "TCP_STATE", through = "__tcp_close", process = "netrepro",
    counters = { TCPAbortOnData = 1, OutRsts = 1, EstabResets = 1 } })
end)

each("unread", function(net)
  local c, s = open(net)
  c:write "a request"
  s:wait_readable()
  s:close()
  expect(select(2, c:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "active", cause = "unread", reason = "TCP_ABORT_ON_CLOSE", through = "__tcp_close", counters = { TCPAbortOnClose = 1, OutRsts = 1 } })
end)

each("abort", function(net)
  local c, s = open(net)
  s:abort()
  expect(select(2, c:read())):equals "ECONNRESET"
  -- On the wire it cannot be told from SO_LINGER.
  local cause = net.evidence == "kernel" and "aborted" or "linger"
  reset(net, net.server, { kind = "active", cause = cause, reason = "TCP_STATE", through = "tcp_disconnect", counters = { OutRsts = 1, EstabResets = 1 } })
end)

each("listener-closed", function(net)
  local l = net.server:listen(80)
  local a, b = net.client:dial { to = l }, net.client:dial { to = l }
  must(net.trace:at(net.server)):exactly(2, { from = net.client, tcp = "ack" }) -- both are in the queue
  l:close()
  expect(select(2, a:read())):equals "ECONNRESET"
  expect(select(2, b:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "active", cause = "listener-closed", reason = "TCP_STATE", through = "inet_csk_listen_stop", counters = { OutRsts = 2 } })
end)

each("linger2", function(net)
  local c, s = open(net)
  s:set { linger2 = -1 }
  s:shutdown "write"
  expect(c:read_all()):equals ""
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "ack" } }
  s:close()
  reset(net, net.server, { kind = "active", cause = "linger2", reason = "TCP_ABORT_ON_LINGER", state = "FIN_WAIT2", through = "__tcp_close",
    counters = { TCPAbortOnLinger = 1 } })
end)

each("no-listener", function(net)
  expect(select(2, net.client:dial { to = net.server, port = 81 })):equals "ECONNREFUSED"
  reset(net, net.server, { kind = "passive", cause = "closed-port", reason = "NO_SOCKET", counters = { OutRsts = 1 } })
  expect(net.client.counters.AttemptFails):equals(1)
  if net.evidence == "kernel" then
    expect(net.trace:at(net.server)):includes { from = net.client, flags = "S", kernel_drop = "NO_SOCKET" }
    expect(#net.client:events { kind = "reset-received" }):equals(1)
  end
end)

each("half-open", function(net)
  local c, s, l = open(net)
  c:write "before"
  s:read()
  -- The server goes down: of its connection nothing is left, and nobody said so.
  local silent = net.server:drop { from = net.server, tcp = true, sport = 80, flags = "R.", out = true }
  s:abort()
  l:close()
  silent:disarm()
  c:write "after"
  expect(select(2, c:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "passive", cause = "no-socket", reason = "NO_SOCKET", counters = { OutRsts = 2 } })
end)

each("half-open-restarted", function(net)
  local c, s = open(net)
  c:write "before"
  s:read()
  local silent = net.server:drop { from = net.server, tcp = true, sport = 80, flags = "R.", out = true }
  s:abort()
  silent:disarm()
  c:write "after" -- a new process listens already
  expect(select(2, c:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "passive", cause = net.evidence == "kernel" and "listener" or "no-socket", reason = "TCP_FLAGS", state = "LISTEN", counters = { OutRsts = 2 } })
end)

each("overflow", function(net)
  net.server:sysctl("net.ipv4.tcp_abort_on_overflow", 1)
  net.server:sysctl("net.ipv4.tcp_syncookies", 0)
  local l = net.server:listen(80, { backlog = 1 })
  -- Two connections fill the queue while the third's ACK is on its way.
  local ack = net.lan:hold { from = net.client, tcp = "ack", sport = 40009 }
  local late = net.client:dial { to = l, from_port = 40009 }
  local a, b = net.client:dial { to = l }, net.client:dial { to = l }
  expect(net.trace:at(net.server)):includes { from = net.client, flags = ".", sport = b.here.port }
  ack:release()
  expect(select(2, late:read())):equals "ECONNRESET"
  local cause = net.evidence == "kernel" and "overflow" or "listener"
  reset(net, net.server, { kind = "passive", cause = cause, reason = "INVALID_SYN", through = "tcp_check_req", counters = { ListenOverflows = 1 } })
end)

each("keepalive", function(net)
  local c, s = open(net)
  s:set { keepidle = "1s", keepintvl = "1s", keepcnt = 2, keepalive = true }
  local gone = net.lan:drop { from = net.server, tcp = "keep-alive" }
  expect(select(2, s:read { timeout = "8s" })):equals "ETIMEDOUT"
  expect(gone.hits):equals(2)
  reset(net, net.server, { kind = "active", cause = "keepalive", reason = "TCP_KEEPALIVE_TIMEOUT", through = "tcp_keepalive_timer",
    counters = { TCPAbortOnTimeout = 1, TCPKeepAlive = 2 } })
end)

each("user-timeout", function(net)
  local c, s = open(net)
  s:set { user_timeout = "1s" }
  local lost = net.lan:drop { from = net.server, tcp = "any" }
  s:write "nobody hears it"
  expect(select(2, s:read { timeout = "8s" })):equals "ETIMEDOUT"
  -- It ends without a word; the peer learns of it when it speaks.
  expect(net.trace):never { tcp = "rst" }
  expect(net.server.counters.TCPAbortOnTimeout):equals(1)
  lost:disarm()
  c:write "are you there?"
  expect(select(2, c:read())):equals "ECONNRESET"
  reset(net, net.server, { kind = "passive", cause = "timed-out", reason = "TCP_FLAGS", state = "LISTEN", counters = { OutRsts = 1 } })
end)

each("time-wait", function(net)
  local c, s = open(net)
  s:close()
  expect(c:read_all()):equals ""
  expect(net.trace:at(net.server)):sequence { { from = net.server, tcp = "fin" }, { from = net.client, tcp = "ack" } }
  c:write "too late"
  reset(net, net.server, { kind = "passive", cause = "time-wait", reason = "TCP_TIMEWAIT_SOCKET", counters = { OutRsts = 1 } })
end)

each("old-syn-in-time-wait", function(net)
  local c, s = open(net)
  s:close()
  c:read_all()
  c:close()
  expect(net.trace:at(net.client)):sequence { { from = net.client, tcp = "fin" }, { from = net.server, tcp = "ack" } }
  expect(#net.server:sockets { state = "TIME_WAIT" }):equals(1)
  -- An old SYN of the same ports: TIME_WAIT acknowledges what it has, and the
  -- client, which knows of nothing, resets.
  net.lan:inject { conn = c, from = net.client, flags = "S", seq = -500000, timestamps = false }
  expect(net.trace:at(net.server)):after({ flags = "S", fault = true }):includes { from = net.server, flags = "." }
  reset(net, net.client, { kind = "passive", cause = "no-socket", reason = "NO_SOCKET", counters = { OutRsts = 1 } })
end)

-- TCP-AO (RFC 5925) is not here: Linux has it only where it was built with
-- CONFIG_TCP_AO, which few kernels are.
each("md5-mismatch", function(net)
  net.server:listen(80, { md5 = { peer = net.client, key = "one" } })
  -- What is signed with another key is thrown away without a word.
  expect(select(2, net.client:dial { to = net.server, port = 80, timeout = "300ms", md5 = { peer = net.server, key = "another" } })):equals "timeout"
  expect(net.trace):never { tcp = "rst" }
  expect(net.server.counters.TCPMD5Failure):equals(1)
  if net.evidence == "kernel" then
    expect(net.trace:at(net.server)):includes { from = net.client, flags = "S", kernel_drop = "TCP_MD5FAILURE" }
  end
end)

each("md5-missing", function(net)
  net.server:listen(80, { md5 = { peer = net.client, key = "one" } })
  expect(select(2, net.client:dial { to = net.server, port = 80, timeout = "300ms" })):equals "timeout"
  expect(net.trace):never { tcp = "rst" }
  expect(net.server.counters.TCPMD5NotFound):equals(1)
  if net.evidence == "kernel" then
    expect(net.trace:at(net.server)):includes { from = net.client, flags = "S", kernel_drop = "TCP_MD5NOTFOUND" }
  end
end)

-- More orphans than the machine allows. The kernel looks at a count that it takes
-- ten times a second: the socket is thrown away as it is closed, or when its FIN
-- was not answered by the first timeout.
each("orphans", function(net)
  local c, s = open(net)
  net.lan:drop { from = net.client, tcp = "ack", optional = true }
  s:close()
  reset(net, net.server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY", counters = { TCPAbortOnMemory = 1 } })
end, { machine = { ["net.ipv4.tcp_max_orphans"] = 0 } })

-- TCP is out of memory: closing a socket that has much to send resets it. Each
-- processor may keep 1 MB of TCP's memory out of the sum (net.core.mem_pcpu_rsv),
-- so sockets that nobody reads are closed, and keep theirs, until it is used up.
each("memory", function(net)
  local l = net.server:listen(80)
  repeat
    net.client:dial { to = l, rcvbuf = "4KB" }
    local s = l:accept()
    s:write(("x"):rep(300000), { timeout = "10ms" })
    s:close()
  until net.server.counters.TCPAbortOnMemory > 0
  reset(net, net.server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY", through = "__tcp_close", counters = {} })
  expect(net.server.counters.TCPAbortOnMemory):at_least(1) -- orphans may be ended too
end, { machine = { ["net.ipv4.tcp_mem"] = "0 0 1" } })
