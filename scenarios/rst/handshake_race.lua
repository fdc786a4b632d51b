-- The handshake race: data right behind the third ACK meets the listener.
local reset = require "reset"

scenario "handshake-race" {
  about = [[
    The third ACK of a handshake turns a request into a connection. While one
    processor moves it in the socket table, another looks for the first data's
    socket, finds neither, falls through to the listener, and the listener's kernel
    resets. The server has an ESTABLISHED socket and the client a dead one. In
    production it takes a million connections and two processors; here the first data
    segment is made to miss its socket, and all that follows is the kernel's own.
    Where programs may not be loaded into the kernel the reset is forged instead.
  ]],
  symptom   = "One connection in a million is reset right after connect, on multi-queue hosts; the server logs nothing, or waits for a request that never comes.",
  is_not    = "A full accept queue with tcp_abort_on_overflow, which looks the same on the wire: there ListenOverflows moves and the server holds no connection.",
  recognise = "SYN, SYN-ACK, ACK and data within some 20 microseconds, then R without ACK; ss on the server shows the connection ESTABLISHED. Tracepoint tcp_send_reset: state LISTEN, reason TCP_FLAGS.",
  kernels   = "From 4.4 on; mended by 3f4ca5fafc08 in 6.2 and the stable kernels of early 2023, which 81b3ade5d2b9 (6.5, stable since July 2023) took back; mended for good by 1532ed0d0753 in 6.19, in stable 5.10.248, 6.1.160, 6.12.63.",
  cure      = "A kernel with 1532ed0d0753; until then steer the packets of a flow to one processor (RSS, no RPS), and retry.",
  sources   = { "1532ed0d0753 inet: Avoid ehash lookup race in inet_ehash_insert()", "81b3ade5d2b9", "3f4ca5fafc08" },
  shows     = { "resets case-2-handshake" },
  tags      = { "tcp", "rst", "race" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug",       outcome = "reset", race = true },
    { "no-race",   outcome = "works" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local race, why, lost
    if v.race then
      race, why = server:lookup_miss { port = 80, tcp = "data" }
      if not race then
        print("forged: " .. why)
        lost = net.lan:hold { from = client, tcp = "data", name = "what the listener threw away" }
      end
    end

    local c = client:dial { to = l }
    local s = l:accept()
    c:write "GET /"
    if v.race and not race then
      must(lost:wait(1, { timeout = "2s" })):is_true()
      net.lan:inject { name = "the listener's answer", conn = c, toward = client, flags = "R", win = 0 }
    end

    if v.outcome == "reset" then
      expect(select(2, c:read { timeout = "2s" })):equals "ECONNRESET"
      expect(net.trace:at(client)):sequence {
        { from = client, flags = "S" }, { from = server, flags = "S." }, { from = client, flags = "." },
        { from = client, payload = "GET /" }, { from = server, flags = "R", win = 0, seq = 1 },
      }
      -- The picture of the study: the server holds a connection of which nothing was heard.
      expect(s:info().state):equals "ESTABLISHED"
      expect(server.counters.ListenOverflows):equals(0)
      if race then
        expect(race.hits):equals(1)
        reset.expected(net, server, { kind = "passive", flags = "R", cause = "listener", reason = "TCP_FLAGS", state = "LISTEN", counters = { OutRsts = 1 } })
      end
      s:write "hello?"
      expect(net.trace:at(client), "what the server says later"):after({ payload = "hello?" }):includes { from = client, flags = "R" }
    else
      expect(s:read()):equals "GET /"
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
