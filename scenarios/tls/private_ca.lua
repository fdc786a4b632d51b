-- A private CA that the client does not know, and a chain without its middle.
local tls = require "tls"

scenario "private-ca" {
  about = [[
    The certificate is in order, but nobody whom the client trusts says so: it was
    signed by a CA of the company's own, or the server leaves out the intermediate
    certificate, which some browsers fetch by themselves and other clients do not.
  ]],
  symptom   = "Browsers on managed machines work; curl, Python and phones say 'unknown authority'.",
  is_not    = "Expired, revoked or the wrong name, and not the network.",
  recognise = "openssl s_client: verify error 20 or 21; a bare self-signed chain of depth 0.",
  cure      = "Install the CA where clients look for it, or send the whole chain; never verification off.",
  sources   = { "RFC 8446 section 4.4.2", "RFC 5280 section 6" },
  shows     = { "office h" },
  tags      = { "tls", "certificate" },

  topology = path { host "client", wire { delay = "15ms" }, host "server" },

  variants = {
    { "bug-private-ca",           outcome = "refused", untrusted = true },
    { "bug-missing-intermediate", outcome = "refused", missing_intermediate = true },
    { "trusted-whole-chain",      outcome = "trusted" },
  },

  run = function(net, v)
    local chain = tls.chain { untrusted = v.untrusted, missing_intermediate = v.missing_intermediate }
    local site = net.server:tls { port = 443, body = "hello", chain = chain, ssl_protocols = { "TLSv1.2" } }
    local got = net.client:fetch { from = site }

    if v.outcome == "refused" then
      expect(got.error):equals "handshake certificate from an unknown authority"
      expect(net.trace:at(net.server)):sequence { { from = net.server, tls = "certificate" }, { from = net.client, tls = "alert" } }
      expect(net.client:fetch { from = site, verify = false }.status, "the wrong cure hides it"):equals(200)
    else
      expect(got.status):equals(200)
    end
  end,
}
