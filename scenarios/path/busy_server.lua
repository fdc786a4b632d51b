-- A server whose processors are busy: slow, and the network is clear.
scenario "busy-server" {
  about = [[
    Two processors do TLS for everybody. Requests are acknowledged at once, by the
    kernel, and answered late, by a program that waits for its turn. Nothing is lost
    and nothing is sent again. The trace clears the network.
  ]],
  symptom   = "Pages take seconds at peak hours; top shows 77 %; someone suspects the network.",
  is_not    = "Loss: SYN, SYN-ACK and the ACK of the request are immediate.",
  recognise = "tshark -T fields -e tcp.analysis.ack_rtt is microseconds while http.time is seconds; no tcp.analysis.retransmission.",
  cure      = "More workers or processors; the network has nothing to mend.",
  sources   = { "RFC 9293 section 3.8.6.3" },
  shows     = { "office i" },
  tags      = { "http", "slow" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug",      outcome = "slow", workers = 1 },
    { "eightfold", outcome = "fast", workers = 8 },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local site = server:serve { port = 80, busy = v.workers, delay = "200ms", size = 2000 }
    -- Six requests at once, each over a connection of its own.
    local last = 0
    for i, got in ipairs(client:session { from = site }:fetch_all({ "/1", "/2", "/3", "/4", "/5", "/6" }, { connections = 6 })) do
      expect(got, "request " .. i):succeeds()
      last = math.max(last, got.time)
    end

    -- Whatever the server does, its kernel answers at once.
    local t = net.trace:at(server)
    expect(t):each_connection():sequence { { from = client, flags = "S" }, { from = server, flags = "S." }, { from = client, http = "GET /" }, { from = server, tcp = "ack", len = 0 }, { from = server, http = "HTTP/1.1 200" } }
    expect(net.trace, "nothing had to be sent again"):never { tcp = "rexmit", original = "lost" }
    expect(net.trace):lossless()
    if v.outcome == "slow" then
      expect(last, "the last in the queue"):at_least(1.1)
    else
      expect(last):less_than(1.1)
    end
  end,
}
