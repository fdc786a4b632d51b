-- The MTU of the server's interface: 9001, 1500, 1460, 1365.
scenario "server-mtu" {
  about = [[
    The path to the office is 1400 bytes wide and nobody hears of it. Four servers
    behind it differ in the MTU of their interface alone. Small answers get through
    from all of them. Large ones get through only from the one whose own MTU is
    below what the path takes; 1460, which looks careful, is not. From a place
    with a path of 1500 even the jumbo server works: the client's MSS protects it.
  ]],
  symptom   = "Short pages load, long ones hang, from one office only; people blame the server's jumbo frames.",
  is_not    = "A jumbo MTU by itself: data is cut to the client's MSS. 1514 in a capture is no oversized packet but 1500 and an Ethernet header.",
  recognise = "ping -M do -s 1372 is answered and -s 1373 is not, and no 'frag needed' comes back.",
  cure      = "A server MTU of what the path takes, at most; better: MSS clamping on the path, or ICMP.",
  sources   = { "RFC 6691", "RFC 2923 section 2.1" },
  shows     = { "office c", "office d" },
  tags      = { "tcp", "pmtu", "http" },
  needs     = { "nftables" },

  topology = graph {
    nodes = { host "office", host "home", router "isp", router "edge", host "jumbo", host "standard", host "careful", host "small" },
    links = {
      { "office", wire {}, "isp" },
      { "isp", wire { name = "tunnel", mtu = 1400 }, "edge" },
      { "home", wire {}, "edge" },
      { "edge", wire { mtu = 9001 }, "jumbo" },
      { "edge", wire { mtu = 1500 }, "standard" },
      { "edge", wire { mtu = 1460 }, "careful" },
      { "edge", wire { mtu = 1365 }, "small" },
    },
  },

  variants = {
    { "bug-9001",            outcome = "stalls", client = "office", server = "jumbo" },
    { "bug-1500",            outcome = "stalls", client = "office", server = "standard" },
    { "bug-1460",            outcome = "stalls", client = "office", server = "careful" },
    { "server-1365",         outcome = "works",  client = "office", server = "small" },
    { "jumbo-but-wide-path", outcome = "works",  client = "home",   server = "jumbo" },
  },

  run = function(net, v)
    local client, server = net[v.client], net[v.server]
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    local site  = server:serve { port = 80, routes = { ["/small"] = { size = 1200 }, ["/large"] = { size = 30000 } } }
    local small = client:fetch { from = site, path = "/small" }
    local large = client:fetch { from = site, path = "/large", timeout = "2s" }
    local sent  = net.trace:at(server)

    expect(small.bytes):equals(1200)
    if v.outcome == "stalls" then
      expect(large.error):equals "read timeout"
      expect(large.bytes, "not one byte of it"):equals(0)
      expect(sent):retransmits { from = server, len = "1349..1448", times = ">= 2", backoff = "exponential" }
    else
      expect(large):succeeds { before = "1500ms" }
      expect(large.bytes):equals(30000)
      expect(sent):never { from = server, tcp = "rto" }
      expect(sent, "never more than the client's MSS"):every { from = server, tcp = "data" }:has { len = "1..1448" }
    end
  end,
}
