-- What conntrack calls INVALID escapes the REDIRECT, and is reset.
local reset = require "reset"

scenario "invalid-escapes-dnat" {
  about = [[
    The server redirects port 1111 to its program on 80. Conntrack looks at every
    segment; one far out of the window is INVALID, so it is not rewritten and reaches
    TCP with port 1111, where nobody is. The kernel resets it, from port 1111, which
    is just what the client is connected to. Does the segment acknowledge exactly
    what the client has received, the client believes the reset and is dead; else it
    is ignored. The reset is always sent: it is the effect and not the cause. A gateway
    that sends segments of connections nobody knows gets the same answer.
  ]],
  symptom   = "Long transfers through NAT are reset for no reason, seldom, by a server that says it did not do it.",
  is_not    = "The application on port 80: it still has the connection.",
  recognise = "R right behind a segment with an absurd sequence number, same port pair; nstat on the server: OutRsts without EstabResets. conntrack -S: invalid.",
  kernels   = "Segments below the window are let through since 6.1 (6e250dcbff1d); those above it are INVALID on all. No kernel drops what escapes NAT by itself.",
  cure      = "ct state invalid drop before TCP sees them; or net.netfilter.nf_conntrack_tcp_be_liberal = 1.",
  sources   = { "RFC 5961", "net/netfilter/nf_conntrack_proto_tcp.c: tcp_in_window", "6e250dcbff1d" },
  shows     = { "resets case-3.2" },
  tags      = { "nat", "redirect", "conntrack", "rst" },
  needs     = { "nftables", "conntrack" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-exact-ack",  outcome = "killed",   far = 200000000, ack = 0 },
    { "bug-old-ack",    outcome = "reset-ignored", far = 200000000, ack = -3 },
    { "bug-unseen-ack", outcome = "challenged", far = 0, ack = 1000 },
    { "bug-stranger",   outcome = "answered", far = 0, ack = 0, stranger = true },
    { "below-window",   outcome = "mapped",   far = -70000, ack = 0 },
    { "drop-invalid",   outcome = "filtered", far = 200000000, ack = 0, drop = true },
    { "be-liberal",     outcome = "mapped",   far = 200000000, ack = 0, liberal = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    server:redirect { tcp = 1111, to = 80 }
    if v.liberal then server:track { be_liberal = true } end
    if v.stranger then server:track { loose = false } end
    local filter = v.drop and server:drop { ["in"] = true, ct = "invalid" }
    local l = server:listen(80)
    local c = client:dial { to = server, port = 1111 }
    local s = l:accept()
    -- 100 kB, so that there is a past below the window.
    for i = 1, 10 do
      c:write(("u"):rep(10000))
      local got = 0
      while got < 10000 do got = got + #s:read() end
    end
    s:write "welcome"
    c:read()
    must(net.trace:at(server)):after({ payload = "welcome" }):includes { from = client, tcp = "ack" }

    if v.stranger then
      net.lan:inject { name = "a gateway's stranger", toward = server, src = client.addr, dst = server.addr, sport = 5555, dport = 1111, flags = ".", raw_seq = 1000, raw_ack = 5000, payload = "x" }
    else
      net.lan:inject { name = "a stray segment", conn = c, toward = server, flags = ".", seq = c.snd_next + v.far, ack = c.rcv_next + v.ack, payload = "x" }
    end
    local _, err = c:read { timeout = "200ms" }
    local t = net.trace:at(server)

    if v.outcome == "killed" then
      expect(err):equals "ECONNRESET"
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "out-of-window", reason = "NO_SOCKET" })
      expect(t, "from the port that nobody has"):includes { from = server, flags = "R", sport = 1111 }
      expect(s:info().state, "the program knows nothing"):equals "ESTABLISHED"
    elseif v.outcome == "answered" then
      expect(err):equals "timeout"
      expect(t, "from the port that nobody has"):includes { from = server, flags = "R", sport = 1111, dport = 5555 }
      expect(t):never { from = server, flags = "R", dport = 40000 }
    elseif v.outcome == "reset-ignored" or v.outcome == "challenged" then
      expect(err):equals "timeout"
      expect(t):includes { from = server, flags = "R", sport = 1111 }
      expect(client.counters.TCPChallengeACK):equals(v.outcome == "challenged" and 1 or 0)
    else
      expect(err):equals "timeout"
      expect(t):never { tcp = "rst" }
      if v.outcome == "filtered" then
        expect(filter and filter.hits):equals(1)
      else
        expect(t, "the program's connection answers it"):after({ fault = true }):includes { from = server, flags = ".", sport = 1111 }
      end
      c:write "still here"
      expect(s:read()):equals "still here"
    end
  end,
}
