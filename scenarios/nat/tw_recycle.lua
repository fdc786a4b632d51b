-- tcp_tw_recycle and clients behind one address: some of them do not exist.
local tw_recycle = require "tw_recycle"

scenario "tw-recycle" {
  about = [[
    The office's machines share one public address. The server has tcp_tw_recycle on,
    and closes connections first. It remembers the last timestamp of that address and
    throws away, in silence, every SYN of the address whose timestamp is behind it.
    Each machine has a clock of its own, so one machine's requests shut the other
    out for a minute. Ping works, telnet from home works, a machine alone works, and
    a new address of the server works until the first connection there is closed.
    No kernel since 4.12 does this, so the rule is rebuilt as a box before the server.
  ]],
  symptom   = "From the office some machines cannot connect, others can, and it changes; from home and over 4G all is well; ping is fine.",
  is_not    = "Loss: the SYNs arrive. Nor a firewall: it would treat machines of one address alike.",
  recognise = "At the server: SYN, SYN, SYN of one port, increasing TSval and no answer, while another connection of the same address opens; netstat -s: 'passive connections rejected because of time stamp'.",
  kernels   = "Linux 3.12 to 4.11 as here; tcp_tw_recycle is gone since 4.12 (4396e46187ca).",
  cure      = "tcp_tw_recycle = 0. tcp_timestamps = 0 on the server, clients that close first, or an address for each client do it too. tcp_tw_reuse alone does no harm.",
  sources   = { "4396e46187ca tcp: remove tcp_tw_recycle", "RFC 7323 section 5", "RFC 6191" },
  shows     = { "office a", "office b", "office k", "office l" },
  tags      = { "tcp", "nat", "time-wait", "timestamps" },
  needs     = { "nftables", "conntrack" },

  topology = graph {
    nodes = {
      host "ahead", host "behind", router "nat", router "internet", router "gate", host "home",
      host { "server", addr = { "198.51.100.10/24", "198.51.100.11/24" } },
    },
    links = {
      { "ahead", wire { name = "desk1" }, "nat" }, { "behind", wire { name = "desk2" }, "nat" },
      { "nat", wire { name = "wan" }, "internet" }, { "home", wire { delay = "2ms" }, "internet" },
      { "internet", wire {}, "gate" }, { "gate", wire { name = "dc" }, "server" },
    },
  },

  variants = {
    { "bug",                  outcome = "shut-out", recycle = true },
    { "bug-restarted",        outcome = "shut-out", recycle = true, restart = true },
    { "bug-new-address",      outcome = "for-a-while", recycle = true },
    { "recycle-off",          outcome = "served" },
    { "reuse-alone",          outcome = "served", reuse = true },
    { "no-timestamps",        outcome = "served", recycle = true, timestamps = 0 },
    { "client-closes-first",  outcome = "served", recycle = true, client_first = true },
    { "own-addresses",        outcome = "served", recycle = true, no_nat = true },
    { "alone",                outcome = "served", recycle = true, alone = true },
  },

  run = function(net, v)
    local ahead, behind, server = net.ahead, net.behind, net.server
    -- The clocks of two machines that were not started together.
    for _, h in ipairs { ahead, behind, net.home } do h:sysctl("net.ipv4.tcp_timestamps", 2) end
    net.desk1:box(function(pkt)
      if pkt.is_tcp and pkt.tsval then
        if pkt.from == "ahead" then pkt:rewrite { tsval = "+50000000" } elseif pkt.tsecr and pkt.tsecr ~= 0 then pkt:rewrite { tsecr = "-50000000" } end
      end
    end, { name = "the clock of ahead" })

    if v.timestamps then server:sysctl("net.ipv4.tcp_timestamps", v.timestamps) end
    if v.reuse then server:sysctl("net.ipv4.tcp_tw_reuse", 1) end
    if v.no_nat then
      net.internet:route { to = ahead.addr .. "/32", via = "nat" }
      net.internet:route { to = behind.addr .. "/32", via = "nat" }
    else
      net.nat:masquerade { oif = net.wan, tcp = true }
    end
    local box = v.recycle and tw_recycle.on(net.gate, { server = server })

    local function serve()
      return server:listen(443, function(conn)
        conn:read_until "\n"
        conn:write "answer\n"
        if v.client_first then conn:read_all() end
        conn:close()
      end)
    end
    local l = serve()

    -- One request, whole: it ends when both sides have closed.
    local function request(from, address)
      local conn, err = from:dial { to = l, to_addr = server.addrs[address or 1], timeout = "600ms" }
      if not conn then return err end
      conn:write "question\n"
      local answer
      if v.client_first then
        answer = conn:read_until "\n"
      else
        answer = conn:read_all()
      end
      conn:close()
      return answer
    end

    expect(request(behind), "before anybody else"):equals "answer\n"
    if not v.alone then expect(request(ahead)):equals "answer\n" end
    expect(behind:ping({ to = server, count = 1 }).received, "ping"):equals(1)
    if v.restart then
      l:close()
      l = serve()
    end
    local second = request(behind)
    if not v.alone then expect(request(ahead), "the one whose clock is ahead"):equals "answer\n" end
    expect(request(net.home), "from home"):equals "answer\n"

    if v.outcome == "shut-out" then
      expect(second):equals "timeout"
      expect(request(behind), "and again"):equals "timeout"
      expect(box and box.paws_passive):at_least(2)
      expect(net.trace:at(net.gate)):never { from = server, to = net.behind, tcp = "synack", fault = true }
    elseif v.outcome == "for-a-while" then
      expect(second):equals "timeout"
      expect(request(behind, 2), "at a new address"):equals "answer\n"
      expect(request(ahead, 2)):equals "answer\n"
      expect(request(behind, 2), "a while later"):equals "timeout"
    else
      expect(second):equals "answer\n"
      expect(request(behind), "and again"):equals "answer\n"
      expect(box and box.paws_passive or 0):equals(0)
    end
  end,
}
