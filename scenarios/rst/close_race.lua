-- The close race: the last FIN meets the listener.
local reset = require "reset"

scenario "close-race" {
  about = [[
    Both sides have closed; the server's socket turns into a TIME_WAIT. The client's
    FIN is looked up by another processor in that moment, finds neither the one nor
    the other, and is answered by the listener's kernel with a reset. Nothing is
    lost: both had sent all they had. Here the FIN is made to miss its socket; where
    programs may not be loaded into the kernel the reset is forged.
  ]],
  symptom   = "Clients that check the result of the last step of a close see ECONNRESET once in a million.",
  is_not    = "Data loss, nor data after close: the reset answers a FIN.",
  recognise = "FIN, ACK and FIN within microseconds, then R whose sequence number is the ack of the last FIN; state LISTEN, reason TCP_FLAGS.",
  kernels   = "Mended by b8ec80b13021 in 6.19, stable 6.12.63 and 6.17.13; 5.10, 5.15 and 6.1 still have it.",
  cure      = "A kernel with the fix; nothing is lost without it.",
  sources   = { "b8ec80b13021 inet: Avoid ehash lookup race in inet_twsk_hashdance_schedule()" },
  shows     = { "resets case-2-close" },
  tags      = { "tcp", "rst", "race", "close" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug",     outcome = "reset", race = true },
    { "no-race", outcome = "quiet" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local race, why, lost
    if v.race then
      race, why = server:lookup_miss { port = 80, tcp = "fin" }
      if not race then
        print("forged: " .. why)
        lost = net.lan:hold { from = client, tcp = "fin", name = "what the listener threw away" }
      end
    end
    local c = client:dial { to = l }
    local s = l:accept()
    s:write "all of it"
    s:close()
    local got, err = c:read_all()
    expect(got, "nothing is lost"):equals "all of it"
    expect(err):is_nil()
    must(net.trace:at(server)):includes { from = client, ack = #"all of it" + 2 } -- the FIN, and not only the words
    c:close()
    if v.race and not race then
      must(lost:wait(1, { timeout = "2s" })):is_true()
      net.lan:inject { name = "the listener's answer", conn = c, toward = client, flags = "R", win = 0 }
    end

    if v.outcome == "reset" then
      expect(net.trace:at(client)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "fin" }, { from = server, flags = "R", win = 0 } }
      if race then
        expect(race.hits):equals(1)
        reset.expected(net, server, { kind = "passive", flags = "R", cause = "listener", looks = "time-wait", reason = "TCP_FLAGS", state = "LISTEN", counters = { OutRsts = 1 } })
      end
    else
      expect(net.trace:at(client)):sequence { { from = server, tcp = "fin" }, { from = client, tcp = "fin" }, { from = server, tcp = "ack" } }
      expect(net.trace):never { tcp = "rst" }
      expect(#server:sockets { state = "TIME_WAIT" }):equals(1)
    end
  end,
}
