-- Five days without a packet: the gateway's own timeout, changed by nobody.
scenario "conntrack-five-days" {
  about = [[
    nf_conntrack_tcp_timeout_established is 432000 s. A connection that is idle for
    longer is forgotten, and what the server then says is taken by the gateway for its
    own address, and reset. Until then it needs no keep-alive.
  ]],
  symptom   = "Connections that are used once a week are reset, those that are used every day never.",
  is_not    = "A restart of anything: all ends have been up for months.",
  recognise = "conntrack -L shows how many of the 432000 seconds are left; the reset has the gateway's TTL.",
  kernels   = "Five days since nf_conntrack came to be; distributions and clouds shorten it.",
  cure      = "Keep-alive once a day; a longer timeout does not help a table that is full.",
  sources   = { "nf_conntrack-sysctl: nf_conntrack_tcp_timeout_established", "RFC 5382 REQ-5" },
  shows     = { "idle conntrack" },
  tags      = { "nat", "conntrack", "idle", "rst" },
  needs     = { "nftables", "conntrack", "virtual time" },
  timeout   = "8d",
  topology  = path { host "client", wire { name = "lan" }, router "gateway", wire { name = "wan" }, host "server" },

  variants = {
    { "bug-a-week",       outcome = "reset", idle = "5d1m" },
    { "almost-five-days", outcome = "lives", idle = "4d23h" },
  },

  run = function(net, v)
    local client, gateway, server = net.client, net.gateway, net.server
    gateway:masquerade { oif = net.wan, tcp = true }
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    c:write "hello"
    s:read()
    must(net.trace:at(client)):includes { to = client, tcp = "ack", len = 0 }
    sleep(v.idle)
    s:write "anybody there?"

    if v.outcome == "reset" then
      expect(select(2, s:read { timeout = "5s" })):equals "ECONNRESET"
      expect(net.trace:at(client)):never { payload = "anybody" }
      expect(net.trace:at(server)):includes { to = server, flags = "R", ttl = 64 }
    else
      expect(c:read()):equals "anybody there?"
      expect(net.trace):never { tcp = "rst" }
    end
  end,
}
