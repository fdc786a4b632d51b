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
  kernels   = "Reason TCP_ABORT_ON_MEMORY from 6.12 on; each processor may keep 1 MB out of the sum (net.core.mem_pcpu_rsv). 5.10 does not let the sum pass the limit, and does not reset.",
  cure      = "Raise tcp_mem; bound send buffers; find the readers that do not read.",
  sources   = { "ip-sysctl: tcp_mem", "net/ipv4/tcp.c: tcp_check_oom" },
  shows     = { "resets O3" },
  tags      = { "tcp", "rst", "memory" },
  machine   = { ["net.ipv4.tcp_mem"] = "4096 4096 4096" },
  topology  = graph {
    nodes = { host "client", host "server", host "sleeper" },
    links = {
      { "client",  wire { delay = "100ms" }, "server" },
      { "sleeper", wire { direct = true }, "server" },
    },
  },

  variants = {
    { "bug",     outcome = "reset", size = 64 * 1024 },
    { "is-read", outcome = "quiet", size = 500 },
  },

  run = function(net, v)
    local client, server = net.client, net.server
    server:sysctl("net.ipv4.tcp_wmem", "67108864 67108864 67108864")
    local l = server:listen(80)
    local c = client:dial { to = l, rcvbuf = "4KB" }
    local s = l:accept()
    s:write(("x"):rep(v.size))
    if v.outcome == "quiet" then expect(#c:read()):equals(v.size) end
    -- What the client takes it has acknowledged; the rest waits for a window.
    must(net.trace):never { tcp = "rst" }

    -- What memory there is goes to a peer that reads nothing, until a write gets none.
    net.sleeper:route { to = server.addr, via = "server" }
    local full = server:listen(81)
    net.sleeper:dial { to = full, rcvbuf = "4KB" }
    local sleeper = full:accept()
    repeat local _, err = sleeper:write(("x"):rep(256 * 1024), { timeout = "50ms" }) until err

    s:close()
    if v.outcome == "reset" and server.counters.TCPAbortOnMemory == 0 then
      print "this kernel keeps what is allocated below the limit, and close() leaves the rest to it (5.10)"
      sleep "1s" -- the answer to a FIN takes a fifth of that
      expect(#server:sockets { state = "FIN_WAIT1", sport = 80 }, "with data that nobody has taken"):equals(1)
      expect(net.trace:at(server)):never { from = server, tcp = "rst" }
    elseif v.outcome == "reset" then
      reset.expected(net, server, { kind = "active", cause = "memory", reason = "TCP_ABORT_ON_MEMORY", through = "__tcp_close", counters = { TCPAbortOnMemory = 1 } })
      expect(net.trace:at(server)):never { from = server, tcp = "fin" }
    else
      expect(net.trace):never { from = server, tcp = "rst" }
      expect(server.counters.TCPAbortOnMemory):equals(0)
    end
  end,
}
