-- The peer is gone: keep-alive gives up with a reset, the user timeout without a word.
local reset = require "reset"

scenario "peer-gone" {
  about = [[
    The client's machine vanished. With keep-alives the server's kernel asks, gets no
    answer, and ends the connection with RST|ACK. With unacknowledged data it is
    TCP_USER_TIMEOUT, or the last retransmission, that ends it, and that sends
    nothing at all: the peer, if it still lives, learns of it when it next speaks.
  ]],
  symptom   = "Idle connections end with ETIMEDOUT on one side and, much later, ECONNRESET on the other.",
  is_not    = "A firewall that resets: the reset comes from the end itself, after probes it sent.",
  recognise = "Probes with len 0 and a sequence number one below the next, then RST|ACK: keep-alive. Retransmissions and then silence: user timeout. nstat TcpExtTCPAbortOnTimeout counts both.",
  kernels   = "Reason TCP_KEEPALIVE_TIMEOUT from 6.12 on.",
  cure      = "None where the peer is gone; keep-alives shorter than the shortest idle timeout on the way where it is not.",
  sources   = { "RFC 1122 section 4.2.3.6", "RFC 5482", "net/ipv4/tcp_timer.c: tcp_keepalive_timer" },
  shows     = { "resets K1", "resets K2" },
  tags      = { "tcp", "rst", "timeout" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-keepalive",    outcome = "reset",  gone = true },
    { "bug-user-timeout", outcome = "silent", gone = true, data = true },
    { "peer-lives",       outcome = "alive" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.data then s:set { user_timeout = "1s" } else s:set { keepidle = "1s", keepintvl = "1s", keepcnt = 2, keepalive = true } end
    local lost = v.gone and net.lan:drop { from = server, toward = client }
    if v.data then s:write "nobody hears it" end
    local _, err = s:read { timeout = v.outcome == "alive" and "2500ms" or "6s" }

    if v.outcome == "reset" then
      expect(err):equals "ETIMEDOUT"
      expect(net.trace:at(server)):sequence { { from = server, tcp = "keep-alive", times = 2 }, { from = server, flags = "R." } }
      reset.expected(net, server, { kind = "active", cause = "keepalive", reason = "TCP_KEEPALIVE_TIMEOUT", through = "tcp_keepalive_timer", counters = { TCPAbortOnTimeout = 1, TCPKeepAlive = 2 } })
    elseif v.outcome == "silent" then
      expect(err):equals "ETIMEDOUT"
      expect(net.trace, "it ends without a word"):never { tcp = "rst" }
      expect(server.counters.TCPAbortOnTimeout):equals(1)
      if lost then lost:disarm() end
      c:write "are you there?"
      expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
      expect(net.trace:at(server)):after({ payload = "are you there" }):includes { from = server, flags = "R", rst = { kind = "passive" } }
    else
      expect(err):equals "timeout"
      expect(net.trace:at(server)):includes { from = client, tcp = "ack", len = 0 }
      expect(net.trace:at(server)):includes { from = server, tcp = "keep-alive" }
      expect(net.trace):never { tcp = "rst" }
      expect(server.counters.TCPAbortOnTimeout):equals(0)
    end
  end,
}
