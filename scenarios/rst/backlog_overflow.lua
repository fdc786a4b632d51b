-- The accept queue is full: silence, or a reset that looks like the handshake race.
local reset = require "reset"

scenario "backlog-overflow" {
  about = [[
    The program does not accept, and its queue is full. Normally new SYNs and last
    ACKs are dropped in silence and sent again. With tcp_abort_on_overflow = 1 the
    kernel resets the connection whose last ACK finds no room: the same packets as in
    the handshake race, but here a counter moves and the server holds no connection.
  ]],
  symptom   = "At peaks connects take one or three seconds, or are reset right after connect.",
  is_not    = "The handshake race (handshake-race), a SYN flood or packet loss.",
  recognise = "nstat -az TcpExtListenOverflows; ss -lt: Recv-Q equals Send-Q.",
  kernels   = "Reason INVALID_SYN, function tcp_check_req, from 6.10 on. With SYN cookies and a backlog of 0 there is no reset at all.",
  cure      = "Accept faster, a larger backlog and net.core.somaxconn; tcp_abort_on_overflow = 0.",
  sources   = { "ip-sysctl: tcp_abort_on_overflow", "net/ipv4/tcp_minisocks.c: tcp_check_req" },
  shows     = { "resets B7" },
  tags      = { "tcp", "rst", "backlog" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-reset",    outcome = "reset",  backlog = 2, abort = 1 },
    { "bug-silent",   outcome = "silent", backlog = 2, abort = 0 },
    { "long-backlog", outcome = "works",  backlog = 64, abort = 1 },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    server:sysctl("net.ipv4.tcp_abort_on_overflow", v.abort)
    server:sysctl("net.ipv4.tcp_syncookies", 0)
    local l = server:listen(80, { backlog = v.backlog })
    -- Three connections fill the queue of two while the last ACK of a fourth is on its way.
    -- That one counts as half open: with a queue of one, kernels before 6.0 take no other.
    local ack  = net.lan:hold { from = client, tcp = "ack", sport = 40009 }
    local late = client:dial { to = l, from_port = 40009 }
    for _ = 1, 3 do
      local c = client:dial { to = l, timeout = "2s" }
      must(c ~= nil, "there is room for three"):is_true()
      must(net.trace:at(server)):includes { from = client, flags = ".", sport = c.here.port }
    end
    ack:disarm()
    ack:release()
    local _, err = late:read { timeout = "500ms" }

    if v.outcome == "reset" then
      expect(err):equals "ECONNRESET"
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "overflow", looks = "listener", reason = "INVALID_SYN", through = "tcp_check_req", counters = { ListenOverflows = 1 } })
      expect(#server:sockets { state = "ESTABLISHED", dport = 40009 }, "the server holds nothing"):equals(0)
    elseif v.outcome == "silent" then
      expect(err):equals "timeout"
      expect(net.trace):never { tcp = "rst" }
      expect(server.counters.ListenOverflows):at_least(1)
      expect(#server:sockets { state = "ESTABLISHED", dport = 40009 }):equals(0)
    else
      expect(err):equals "timeout"
      expect(server.counters.ListenOverflows):equals(0)
      expect(#server:sockets { state = "ESTABLISHED", dport = 40009 }):equals(1)
    end
  end,
}
