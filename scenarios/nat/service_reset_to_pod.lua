-- The same as Kubernetes met it: service address, pod, and a reset to the pod.
local reset = require "reset"

scenario "service-reset-to-pod" {
  about = [[
    A client pod talks to a service address, which the node's DNAT turns into a pod's.
    One of the pod's answers is INVALID for the node's conntrack, so its source is not
    turned back: the client gets a segment from a pod it never spoke to. It answers,
    as it must, with a reset, to the pod, whose connection dies; and the client waits
    for an answer on its own.
  ]],
  symptom   = "'connection reset by peer' in a server pod, and its client hangs; large responses, busy nodes.",
  is_not    = "The client closing: it does not know this peer.",
  recognise = "In a capture at the client a segment from the pod's address instead of the service's, answered with R.",
  kernels   = "All; kube-proxy has installed the rule below since 1.15.",
  cure      = "ct state invalid drop on the node's forward chain, or nf_conntrack_tcp_be_liberal = 1.",
  sources   = { "kubernetes issue 74839", "net/netfilter/nf_conntrack_proto_tcp.c: tcp_in_window" },
  shows     = { "resets case-3.2" },
  tags      = { "nat", "dnat", "conntrack", "rst", "kubernetes" },
  needs     = { "nftables", "conntrack" },
  topology  = path { host "client", wire { name = "veth" }, router "node", wire { name = "pod" }, host "server" },

  variants = {
    { "bug",          outcome = "killed" },
    { "drop-invalid", outcome = "lives", drop = true },
    { "be-liberal",   outcome = "lives", liberal = true },
  },

  run = function(net, v)
    local client, node, server = net.client, net.node, net.server
    local service = "198.51.100.80"
    node:dnat { dst = service, tcp = 80, to = server, port = 8080 }
    if v.drop then node:drop { fwd = true, ct = "invalid" } end
    if v.liberal then node:track { be_liberal = true } end
    local l = server:listen(8080)
    local c = client:dial { to = server, port = 80, to_addr = service }
    local s = l:accept()
    c:write "GET /"
    s:read()
    s:write "part one"
    c:read()
    must(net.trace:at(server)):after({ payload = "part one" }):includes { from = client, tcp = "ack" }

    net.pod:inject { name = "an answer out of the window", conn = s, toward = client, flags = ".", seq = s.snd_next + 200000000, payload = "x" }
    local _, err = s:read { timeout = "300ms" }
    local seen = net.trace:at(client)

    if v.outcome == "killed" then
      expect(err):equals "ECONNRESET"
      expect(seen, "a peer it never spoke to"):includes { src = server, dst = client, flags = "." }
      reset.expected(net, client, { kind = "passive", flags = "R", cause = "no-socket", reason = "NO_SOCKET" })
      expect(c:info().state, "the client waits"):equals "ESTABLISHED"
    else
      expect(err):equals "timeout"
      expect(net.trace):never { tcp = "rst" }
      expect(seen, "only the service is seen"):never { src = server, sport = 8080 }
      s:write "part two"
      expect(c:read()):equals "part two"
    end
  end,
}
