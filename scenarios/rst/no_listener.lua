-- Nobody listens: the two forms of the answer.
local reset = require "reset"

scenario "no-listener" {
  about = [[
    A segment for a port that nobody has is answered with a reset. If it carried an
    ACK the reset takes its sequence number from there and has no ACK flag; if it
    did not, as a SYN, the reset has sequence number 0 and acknowledges it. "Passive
    resets have no ACK flag" is thus half the truth.
  ]],
  symptom   = "ECONNREFUSED at once.",
  is_not    = "A firewall that drops: that would be silence and then a timeout.",
  recognise = "R. with seq 0, ack = SYN + 1, win 0 answers a SYN; R with seq = ack of what it answers is for all else; a RST is never answered.",
  kernels   = "Reason NO_SOCKET, with no socket at all, from 6.10 on; before, the tracepoint did not see it.",
  cure      = "Start the server, on that address and port.",
  sources   = { "RFC 9293 section 3.10.7.1", "net/ipv4/tcp_ipv4.c: tcp_v4_send_reset" },
  shows     = { "resets B1" },
  tags      = { "tcp", "rst" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug",       outcome = "refused" },
    { "listening", outcome = "connected", listen = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.listen then server:listen(81) end
    local _, err = client:dial { to = server, port = 81 }

    if v.outcome == "refused" then
      expect(err):equals "ECONNREFUSED"
      reset.expected(net, server, { kind = "passive", flags = "R.", cause = "closed-port", reason = "NO_SOCKET", counters = { OutRsts = 1 } })
      expect(net.trace:at(server)):includes { from = server, flags = "R.", seq = 1, ack = 1, win = 0 }

      -- What else may come, each from a port of its own: raw numbers in, raw numbers out.
      local function forge(port, flags, payload)
        net.lan:inject { toward = server, src = client.addr, dst = server.addr, sport = port, dport = 82, flags = flags, raw_seq = 1000, raw_ack = 5000, payload = payload }
      end
      forge(2001, "S", "abc")
      forge(2002, ".", "abc")
      forge(2003, "F", nil)
      forge(2004, "R.", nil)
      local t = net.trace:at(server)
      expect(t, "SYN and three bytes"):includes { from = server, dport = 2001, flags = "R." }
      expect(t, "ACK and three bytes"):includes { from = server, dport = 2002, flags = "R" }
      expect(t, "FIN without ACK"):includes { from = server, dport = 2003, flags = "R." }
      expect(t, "a RST is never answered"):never { from = server, dport = 2004 }
      expect(server.counters.OutRsts):equals(4)
    else
      expect(err):is_nil()
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
