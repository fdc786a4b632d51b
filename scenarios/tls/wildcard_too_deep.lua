-- A wildcard certificate, one label too deep.
local tls = require "tls"

scenario "wildcard-too-deep" {
  about = [[
    *.example.test covers errors.example.test. It does not cover
    errors.dev.example.test: a star stands for one label. The client gives up with
    an alert, so the server sees a connection that came and went.
  ]],
  symptom   = "Some names of a domain give certificate errors and others do not; API clients fail where browsers let people click on.",
  is_not    = "A network failure: TCP and the handshake work up to the client's verdict.",
  recognise = "openssl s_client -verify_hostname NAME: 'hostname mismatch'; in a capture an alert from the client behind the certificate.",
  cure      = "A certificate with the name itself, or with a wildcard at its level.",
  sources   = { "RFC 6125 section 6.4.3", "RFC 9525 section 6.3" },
  shows     = { "office h" },
  tags      = { "tls", "certificate" },

  topology = path { host "client", wire { delay = "15ms" }, host "server" },

  variants = {
    { "bug",            outcome = "refused", names = "*.example.test" },
    { "right-wildcard", outcome = "trusted", names = "*.example.test *.dev.example.test" },
    { "name-itself",    outcome = "trusted", names = "errors.dev.example.test" },
  },

  run = function(net, v)
    local names = {}
    for n in v.names:gmatch "%S+" do names[#names + 1] = n end
    local site = net.server:tls { port = 443, body = "hello", chain = tls.chain { names = names }, ssl_protocols = { "TLSv1.2" } }
    local got = net.client:fetch { from = site, name = "errors.dev.example.test" }

    if v.outcome == "refused" then
      expect(got.error):equals "handshake certificate has no such name"
      expect(net.client:fetch { from = site, name = "errors.example.test" }, "one label less"):succeeds()
      expect(net.trace:at(net.server)):sequence { { from = net.server, tls = "certificate" }, { from = net.client, tls = "alert" } }
    else
      expect(got):succeeds()
      expect(net.trace:at(net.server)):never { from = net.client, tls = "alert" }
    end
  end,
}
