-- Which SYNs tcp_tw_recycle let through: the table measured on Linux 4.4.
local tw_recycle = require "tw_recycle"

scenario "tw-recycle-table" {
  about = [[
    The server has closed a connection first and remembers the client address's last
    timestamp, T. Then SYNs come from other ports of that address. What Linux
    4.4.0-21 did with each is the golden test of the box: T and T - 1 pass, T - 2 and
    everything older is dropped, so is a SYN without a timestamp; another address is
    another entry. The entry is good for a minute.
  ]],
  symptom   = "As tw-recycle.",
  is_not    = "A model: each row was measured.",
  recognise = "PAWSPassive in /proc/net/netstat counts the SYNs that were dropped.",
  kernels   = "Linux 3.12 to 4.11; measured on 4.4.0-21. A SYN without timestamps is dropped since 3.17 (a26552afe89).",
  cure      = "tcp_tw_recycle = 0.",
  sources   = { "net/ipv4/tcp_metrics.c of 4.4: tcp_peer_is_proven, tcp_remember_stamp" },
  shows     = { "office b" },
  tags      = { "tcp", "nat", "time-wait", "timestamps" },

  topology = path { host "client", wire { name = "wan" }, router "gate", wire {}, host "server" },

  variants = {
    { "bug",         outcome = "dropped",  recycle = true },
    { "recycle-off", outcome = "answered", recycle = false },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    client:sysctl("net.ipv4.tcp_timestamps", 2) -- no offset for each connection
    local box = v.recycle and tw_recycle.on(net.gate, { server = server })
    local l = server:listen(80)
    local c = client:dial { to = l }
    local s = l:accept()
    s:close()
    c:read_all()
    c:close()
    expect(net.trace):never { tcp = "rst" }
    local fins = net.trace:at(client):packets { from = client, tcp = "fin" }
    local last, port = fins[#fins].tsval, 50000

    -- A SYN whose timestamp differs from the last by so much.
    local function try(what, by, answered, src)
      port = port + 1
      net.wan:inject { name = what, toward = net.gate, src = src or client.addr, dst = server.addr, sport = port, dport = 80, flags = "S", raw_seq = 1,
        tsval = by and (last + by) % 2 ^ 32 or nil, mss = 1460 }
      local want = (answered or v.outcome == "answered") and 1 or 0
      expect(net.trace:at(server):count { tcp = "synack", dport = port }, what):equals(want)
    end
    try("T", 0, true)
    try("T - 1", -1, true)
    try("T - 2", -2, false)
    try("T - 1000000", -1000000, false)
    try("no timestamp", nil, false)
    try("T + 50", 50, true)
    try("another address", -1000000, true, (client.addr:gsub("1$", "77")))
    if v.outcome == "dropped" then expect(box and box.paws_passive, "PAWSPassive"):equals(3) end
  end,
}
