-- What meets a TIME_WAIT: late data, an old SYN, a new SYN.
local reset = require "reset"

scenario "time-wait" {
  about = [[
    The server closed first and remembers the connection for a minute. Late data is
    answered with a reset. A SYN of the same ports that looks old is answered with
    the acknowledgement of the old connection, which its sender resets; a SYN that
    is clearly new takes the place over, and all is well.
  ]],
  symptom   = "Reconnecting from the same port, as NAT and load generators do, sometimes costs a reset and 10 ms, or a second.",
  is_not    = "A leak: TIME_WAIT protects the new connection from what the old one left in the network.",
  recognise = "SYN answered by a bare ACK with strange numbers, then R from the client: a TIME_WAIT on the server (ss -o state time-wait).",
  kernels   = "Reason TCP_TIMEWAIT_SOCKET from 6.10 on. tcp_rfc1337 = 1 keeps a reset from ending the TIME_WAIT.",
  cure      = "Let the client close first; use the whole range of ports; do not shorten TIME_WAIT.",
  sources   = { "RFC 9293 section 3.10.7.4", "RFC 6191", "RFC 1337" },
  shows     = { "resets B3", "resets B5", "resets B6" },
  tags      = { "tcp", "rst", "time-wait" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-late-data", outcome = "reset",   first = "server", send = "data" },
    { "bug-old-syn",   outcome = "old-ack", first = "server", send = "old-syn" },
    { "new-syn",       outcome = "synack",  first = "server", send = "new-syn" },
    { "client-first",  outcome = "synack",  first = "client", send = "old-syn" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    if v.first == "client" then
      c:close()
      expect(s:read_all()):equals ""
      s:close()
      must(net.trace:at(client)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" } }
    else
      s:close()
      expect(c:read_all()):equals ""
      must(net.trace:at(server)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "ack" } }
      if v.send ~= "data" then
        c:close()
        must(net.trace:at(client)):sequence { { from = client, tcp = "fin" }, { from = server, tcp = "ack" } }
      end
    end
    if v.send == "data" then
      c:write "too late"
    else
      net.lan:inject { name = "another host behind the same NAT", conn = c, from = client, flags = "S", seq = v.send == "old-syn" and -500000 or 100000, timestamps = false }
    end

    local t = net.trace:at(server)
    if v.outcome == "reset" then
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "time-wait", reason = "TCP_TIMEWAIT_SOCKET", counters = { OutRsts = 1 } })
    elseif v.outcome == "old-ack" then
      expect(t):after({ flags = "S", fault = true }):includes { from = server, flags = "." }
      expect(t):after({ flags = "S", fault = true }):never { from = server, flags = "S." }
      reset.expected(net, client, { kind = "passive", flags = "R", cause = "no-socket", reason = "NO_SOCKET" })
    else
      expect(t):after({ flags = "S", fault = true }):includes { from = server, flags = "S." }
      -- The client wants none of it. Nor does the server try again: nobody listens any more.
      must(t):after({ flags = "S", fault = true }):includes { tcp = "rst" }
      l:close()
    end
  end,
}
