-- The smallest useful scenario: lose exactly one packet and watch TCP mend it.
scenario "one-lost-segment" {
  about    = "Drop the server's third data segment, once. SACK must repair it without a timeout.",
  tags     = { "tcp", "sack" },
  topology = path { host "client", wire { name = "wan", delay = "20ms" }, host "server" },

  run = function(net)
    local lost = net.wan:drop { from = net.server, tcp = "data", nth = 3 }

    local file = net.server:serve { port = 80, body = ("x"):rep(30000) }
    local got  = net.client:fetch { from = file }

    expect(got.bytes):equals(30000)
    expect(net.trace:at(net.client)):sequence {
      { from = net.client, tcp = "ack", sacks = lost, times = ">= 1" },
      { from = net.server, tcp = "rexmit", seq = lost.seq, within = "60ms" },
      { from = net.client, tcp = "ack", covers = lost },
    }
    expect(net.trace):never { tcp = "rto" }
    expect(net.trace):matches "one-lost-segment"
  end,
}
