//go:build linux

package secure

import (
	"crypto/tls"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pki"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var (
	kLength = args.Int("number of certificates", 1, pki.MaxLength, "a chain has 1 to 10")
	kKey    = args.EnumOf("kind of key", pki.Keys)
)

var chainTable = vm.NewTable("chain", "", func(s *pki.Spec) []vm.Argument {
	return []vm.Argument{
		args.Size.Opt(&s.Bytes, "bytes", "size of all certificates together"),
		kLength.Opt(&s.Length, "length", "how many are sent, with the server's own; 2 by default"),
		args.Strings.Opt(&s.Names, "names", `the names it is for; the node's by default. `+
			`"*.example.test" is for all names one label below`),
		kKey.Opt(&s.Key, "key", "ed25519 by default: all its signatures have the same size"),
		args.Bool.Opt(&s.Expired, "expired", "it is no longer valid"),
		args.Bool.Opt(&s.NotYetValid, "not_yet_valid", "it is not valid yet"),
		args.Bool.Opt(&s.Untrusted, "untrusted", "signed by an authority that no client of the case trusts"),
		args.Bool.Opt(&s.MissingIntermediate, "missing_intermediate", "the server's own certificate is sent alone"),
		args.Bool.Opt(&s.SelfSigned, "self_signed", "signed by its own key"),
	}
})

// KChain is a certificate chain.
var KChain = args.TableOf("certificate chain", "Chain",
	`write chain = tls.chain { bytes = 6000 }, after local tls = require "tls"`, chainTable)

// KChains is a list of certificate chains.
var KChains = vm.NewKind("list of certificate chains", "Chain[]", func(c *vm.Call, x lua.LValue) ([]pki.Spec, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of certificate chains",
			`write { tls.chain { names = { "a.test" } }, tls.chain { names = { "b.test" } } }`)
	}
	items, err := args.List(t, "write a list")
	if err != nil {
		return nil, err
	}
	var out []pki.Spec
	for _, item := range items {
		s, err := KChain.Read(c, item)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}).Of(chainTable.Form())

// Certificates are what a server was asked to show.
type Certificates struct {
	Chain   *pki.Spec  // nil if not given
	Further []pki.Spec // for the names in them
	Names   []string   // in its own, besides its node's
}

// Issue makes the certificates of a server on n: its own first.
func (s *Certificates) Issue(c *vm.Call, n *session.Node) ([]tls.Certificate, error) {
	ca, err := Authority(n.Run)
	if err != nil {
		return nil, err
	}
	specs := s.Further
	switch {
	case s.Chain != nil:
		specs = append([]pki.Spec{*s.Chain}, specs...)
	case len(specs) == 0:
		specs = []pki.Spec{{}}
	}
	var out []tls.Certificate
	for _, spec := range specs {
		if spec.Names == nil {
			spec.Names, spec.Addrs = append([]string{n.Name}, s.Names...), n.Addrs()
		}
		cert, err := ca.Issue(spec)
		if err != nil {
			return nil, c.Fail("chain", "ask for another", "%v", err)
		}
		out = append(out, cert)
	}
	return out, nil
}
