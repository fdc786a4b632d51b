-- TCP is out of memory: close() resets what is not sent.
local reset = require "reset"

scenario "out-of-memory" {
  about = [[
    TCP's memory is used up (the third number of tcp_mem), by sockets that nobody
    reads. A close of one that still has much to send does not leave it to the
    kernel: it resets, and the peer loses the rest.
  ]],
  symptom   = "Under load connections are reset at close, here and there; dmesg: 'TCP: out of memory -- consider tuning tcp_mem'.",
  is_not    = "linger 0: the application asked for nothing.",
  recognise = "nstat -az TcpExtTCPAbortOnMemory; /proc/net/sockstat: mem near the third number of tcp_mem.",
  kernels   = "Reason TCP_ABORT_ON_MEMORY from 6.12 on; each processor may keep 1 MB out of the sum (net.core.mem_pcpu_rsv).",
  cure      = "Raise tcp_mem; bound send buffers; find the readers that do not read.",
  sources   = { "ip-sysctl: tcp_mem", "net/ipv4/tcp.c: tcp_check_oom" },
  shows     = { "resets O3" },
  tags      = { "tcp", "rst", "memory" },
  machine   = { ["net.ipv4.tcp_mem"] = "0 0 1" },
  topology  = path { host "client", wire {}, host "server" },

  variants = {
    { "bug",     outcome = "reset", size = 300000 },
    { "is-read", outcome = "quiet", size = 1000 },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    local l = server:listen(80)
    local tries, clients = 0, {}
    -- Each processor keeps some memory out of the sum, so it takes several.
    repeat
      local c = client:dial { to = l, rcvbuf = "4KB" }
      local s = l:accept()
      s:write(("x"):rep(v.size), { timeout = "10ms" })
      -- Little enough is on its way at once, and nothing has to be kept.
      if v.size <= 1000 then c:read() end
      s:close()
      tries, clients[#clients + 1] = tries + 1, c
    until server.counters.TCPAbortOnMemory > 0 or v.size <= 1000 and tries == 10

    if v.outcome == "reset" then
      reset.expected(net, server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY" })
      expect(server.counters.TCPAbortOnMemory):at_least(1)
    else
      expect(net.trace):never { from = server, tcp = "rst" }
      expect(server.counters.TCPAbortOnMemory):equals(0)
    end
    -- No orphan outlives this: their number is the machine's.
    for _, c in ipairs(clients) do c:abort() end
  end,
}
