-- A page of many resources, of which some load and some do not.
scenario "half-loaded-page" {
  about = [[
    A browser loads a page: the document, a style sheet, scripts, icons. Behind a
    path-MTU black hole what fits a packet arrives and what does not hangs, so the
    page is there, unstyled and with a spinner. What is in the browser's cache hides
    it, which is why a private window seems to make it worse.
  ]],
  symptom   = "Pages load in part: text without styles, some icons, endless spinners; it differs from page to page.",
  is_not    = "An overloaded server: the small resources come at once, over the same connections.",
  recognise = "In the browser's network panel the size decides what hangs, not the kind; tshark -q -z conv,tcp shows connections stuck at the same few kB.",
  cure      = "As for every black hole: ICMP through, or the MSS clamped.",
  sources   = { "RFC 2923 section 2.1" },
  shows     = { "office a", "office m" },
  tags      = { "tcp", "pmtu", "http", "tls" },
  needs     = { "nftables" },

  topology = path {
    host "browser", wire { delay = "15ms" }, router "isp", wire { name = "tunnel", mtu = 1400 }, router "edge", wire {}, host "server",
  },

  variants = {
    { "bug",         outcome = "half" },
    { "mss-clamped", outcome = "whole", clamp = true },
  },

  run = function(net, v)
    net.edge:drop { out = true, icmp = "frag-needed", optional = true }
    if v.clamp then net.edge:clamp_mss "path" end

    local sizes = { ["/"] = 900, ["/app.css"] = 20000, ["/app.js"] = 80000, ["/logo.png"] = 700, ["/font"] = 30000, ["/icon"] = 500 }
    local routes, order = {}, { "/", "/app.css", "/app.js", "/logo.png", "/font", "/icon" }
    for p, n in pairs(sizes) do routes[p] = { size = n } end
    local site    = net.server:tls { port = 443, routes = routes }
    for _, p in ipairs(order) do
      -- Between the second and the third time that the server sends again: the acknowledgement of the FIN goes with neither.
      local got = net.browser:fetch { from = site, path = p, timeout = "1300ms" }
      if v.outcome == "half" and sizes[p] > 1300 then
        expect(got.error, p):matches "timeout"
      else
        expect(got.bytes, p):equals(sizes[p])
      end
    end
    if v.outcome == "half" then
      expect(net.trace:at(net.server)):retransmits { from = net.server, len = "1349..1448", times = ">= 2" }
    else
      expect(net.trace):never { tcp = "rto" }
    end
  end,
}
