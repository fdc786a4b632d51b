-- A stray segment reaches a listening socket.
local reset = require "reset"

scenario "stray-to-listener" {
  about = [[
    An ACK, or data, or a SYN-ACK comes to a port where somebody listens, and belongs
    to no connection: an old segment, a scan, a client whose NAT forgot it. The
    listener's kernel answers with a reset that takes its number from the stray's
    acknowledgement.
  ]],
  symptom   = "Single resets from port 443 to clients that nothing else is known of.",
  is_not    = "The application: it is never told.",
  recognise = "R from a port in LISTEN, answering a segment with ACK that no handshake preceded. At the tracepoint the addresses are those of the listener, 0.0.0.0:0, so read the packet.",
  kernels   = "Reason TCP_FLAGS in state LISTEN from 6.10 on.",
  cure      = "Drop what belongs to no connection before it gets there: ct state invalid drop, and no picking up in the middle (nf_conntrack_tcp_loose = 0).",
  sources   = { "RFC 9293 section 3.10.7.2", "net/ipv4/tcp_input.c: tcp_rcv_state_process" },
  shows     = { "resets B2" },
  tags      = { "tcp", "rst" },
  needs     = { "nftables", "conntrack" },
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-ack",    outcome = "reset", flags = "." },
    { "bug-data",   outcome = "reset", flags = "P.", payload = "hello" },
    { "bug-synack", outcome = "reset", flags = "S." },
    { "fin-only",   outcome = "silent", flags = "F" },
    { "filtered",   outcome = "filtered", flags = ".", filter = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    server:listen(443)
    local drop
    if v.filter then
      server:track { loose = false }
      drop = server:drop { ["in"] = true, ct = "invalid", optional = true }
    end
    net.lan:inject { toward = server, src = client.addr, dst = server.addr, sport = 4000, dport = 443, flags = v.flags, raw_seq = 1000, raw_ack = 5000, payload = v.payload }
    must(net.trace:at(server), "it came"):includes { from = client, sport = 4000 }

    if v.outcome == "reset" then
      reset.expected(net, server, { kind = "passive", flags = "R", cause = "listener", looks = "no-socket", reason = "TCP_FLAGS", state = "LISTEN", counters = { OutRsts = 1 } })
    else
      expect(net.trace):never { from = server, tcp = "rst" }
      expect(server.counters.OutRsts):equals(0)
      if v.outcome == "filtered" then expect(drop and drop.hits):equals(1) end
      if v.outcome == "silent" then expect(#net.server:sockets { state = "LISTEN", port = 443 }):at_least(1) end
    end
  end,
}
