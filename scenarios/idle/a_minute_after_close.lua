-- What a closed connection leaves behind: a minute of FIN_WAIT2, a minute of TIME_WAIT.
scenario "a-minute-after-close" {
  about = [[
    The server closes and the client does not. The server's kernel holds what is left in
    FIN_WAIT2 for tcp_fin_timeout, 60 s. When the client says something after that,
    nobody knows the connection any more, and what it says is answered with a reset. Within
    the minute its FIN is taken, and what then remains is TIME_WAIT, for 60 s more.
  ]],
  symptom   = "A client that sits on a connection that the server has closed gets ECONNRESET when it at last closes or writes.",
  is_not    = "A crash of the server: its FIN came, a minute and more before.",
  recognise = "ss -tan state fin-wait-2, without a program, for a minute; then none, and the client in CLOSE-WAIT.",
  kernels   = "net.ipv4.tcp_fin_timeout; TIME_WAIT is 60 s and cannot be changed.",
  cure      = "Read until the end of the stream, and close what has ended.",
  sources   = { "tcp(7): tcp_fin_timeout", "RFC 9293 section 3.6" },
  shows     = { "idle close" },
  tags      = { "tcp", "close", "rst", "idle" },
  needs     = { "virtual time" },
  timeout   = "10m",
  topology  = path { host "client", wire { name = "lan" }, host "server" },

  variants = {
    { "bug-too-late",    outcome = "reset", idle = "70s" },
    { "within-a-minute", outcome = "taken", idle = "50s" },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    s:close()
    expect(c:read_all()):equals ""
    sleep(v.idle)
    local held = v.outcome == "taken" and 1 or 0
    expect(#server:sockets { state = "FIN_WAIT2", dport = c.here.port }):equals(held)
    c:close()

    if v.outcome == "reset" then
      expect(net.trace:at(client)):after({ from = client, tcp = "fin" }):includes { from = server, flags = "R" }
      expect(#server:sockets { state = "TIME_WAIT", dport = c.here.port }):equals(0)
    else
      expect(net.trace:at(client)):after({ from = client, tcp = "fin" }):includes { from = server, tcp = "ack" }
      sleep "50s"
      expect(#server:sockets { state = "TIME_WAIT", dport = c.here.port }, "for a minute"):equals(1)
      sleep "20s"
      expect(#server:sockets { state = "TIME_WAIT", dport = c.here.port }, "and not longer"):equals(0)
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
