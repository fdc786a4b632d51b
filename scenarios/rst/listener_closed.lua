-- A listener closed over connections that wait to be accepted.
local reset = require "reset"

scenario "listener-closed" {
  about = [[
    Clients are connected, have perhaps sent their requests, and wait in the accept
    queue. The server restarts and closes its listening socket: each of them gets
    RST|ACK, in the order in which they would have been accepted.
  ]],
  symptom   = "At every reload or deployment a handful of connections is reset within a millisecond.",
  is_not    = "A refused connection: the handshake was complete.",
  recognise = "Several RST|ACK to different ports within microseconds, none of them with data before; ss -lt: Recv-Q of the listener was above 0.",
  kernels   = "All. The stack names inet_csk_listen_stop.",
  cure      = "Accept until the queue is empty, or hand the listening socket on; with SO_REUSEPORT net.ipv4.tcp_migrate_req = 1 (5.14).",
  sources   = { "net/ipv4/inet_connection_sock.c: inet_csk_listen_stop" },
  shows     = { "resets A6" },
  tags      = { "tcp", "rst", "deploy" },
  topology  = path { host "client", wire {}, host "server" },

  variants = {
    { "bug",     outcome = "reset" },
    { "drained", outcome = "served", drain = true },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local conns = {}
    for i = 1, 3 do
      conns[i] = client:dial { to = l }
      must(net.trace:at(server), "it is in the queue"):includes { from = client, tcp = "ack", sport = conns[i].here.port }
    end
    local accepted = {}
    if v.drain then
      for i = 1, 3 do accepted[i] = l:accept() end
    end
    l:close()
    for _, s in ipairs(accepted) do
      s:write "served"
      s:close()
    end

    for i, c in ipairs(conns) do
      local got, err = c:read_all()
      expect(tostring(err), "connection " .. i):equals(v.outcome == "reset" and "ECONNRESET" or "nil")
      expect(got):equals(v.outcome == "reset" and "" or "served")
    end
    if v.outcome == "reset" then
      reset.expected(net, server, { kind = "active", cause = "listener-closed", reason = "TCP_STATE", through = "inet_csk_listen_stop", counters = { OutRsts = 3 } })
      expect(net.trace:at(server), "in the order of the queue"):sequence {
        { from = server, flags = "R.", dport = conns[1].here.port }, { from = server, flags = "R.", dport = conns[2].here.port }, { from = server, flags = "R.", dport = conns[3].here.port },
      }
    else
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
