-- Loss that TCP absorbs, and loss that it does not.
scenario "lossy-path" {
  about = [[
    mtr --tcp over the day showed 0 %, then 39 %, then 90 %. At 39 %, in short bursts
    and with what is sent again getting through, TCP loses time and nothing else. At
    90 %, retransmissions included, no request ends before people give up. The same
    path, two hours apart, is two different tickets.
  ]],
  symptom   = "In the evening all is well, at noon it is slow, in the morning nothing works; no setting was changed.",
  is_not    = "Two faults: it is one path whose loss depends on the load.",
  recognise = "mtr --tcp -P 443 run every hour; nstat -az TcpRetransSegs against TcpOutSegs; TcpExtTCPTimeouts tells absorbed loss (few) from the other (all).",
  cure      = "Capacity, or another path; no setting of TCP carries 90 %.",
  sources   = { "RFC 5681", "RFC 6298", "RFC 8985" },
  shows     = { "office a", "office loss" },
  tags      = { "tcp", "loss" },
  topology  = path { host "client", wire { name = "wan", delay = "5ms" }, host "server" },

  variants = {
    { "bug-morning", outcome = "dead", loss = 90 },
    { "bug-noon",    outcome = "slow", loss = 39 },
    { "evening",     outcome = "fine", loss = 0 },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    if v.loss == 39 then
      -- Two of five, one behind the other: new data only, what is sent again arrives.
      net.wan:drop { from = server, tcp = "data", nth = 4, every = 5, times = 1000 }
      net.wan:drop { from = server, tcp = "data", nth = 5, every = 5, times = 1000 }
    elseif v.loss == 90 then
      local seen = 0
      net.wan:drop { toward = client, tcp = "data", name = "nine of ten", where = function() seen = seen + 1 return seen % 10 ~= 0 end }
      net.wan:drop { toward = client, tcp = "rexmit", name = "nine of ten of what is sent again", optional = true, where = function() seen = seen + 1 return seen % 10 ~= 0 end }
    end
    local site = server:serve { port = 80, size = v.loss == 39 and 17000 or 100000 }
    local got  = client:fetch { from = site, timeout = v.outcome == "dead" and "3s" or "10s" }
    local sent = net.trace:at(server)

    if v.outcome == "dead" then
      expect(got.error):equals "read timeout"
      expect(got.bytes):less_than(50000)
      expect(sent:count { from = server, tcp = "rto" }):at_least(2)
    else
      expect(got.bytes, "every byte arrives"):equals(v.loss == 39 and 17000 or 100000)
      expect(got.error):is_nil()
      if v.outcome == "slow" then
        expect(sent, "4 of 12 segments are lost once"):exactly(4, { from = server, tcp = "data", dropped = true })
        expect(sent:count { from = server, tcp = "rexmit", original = "lost" }):at_least(4)
      else
        expect(net.trace):lossless()
        expect(sent):never { tcp = "fast" }
      end
    end
  end,
}
