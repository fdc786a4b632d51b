//go:build linux

package world

import (
	"crypto/tls"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/pki"
	"netrepro/engine/script/kind"
	"netrepro/engine/script/vm"
)

var chainTable = &vm.Method{Name: "chain", Options: []vm.Option{
	kind.Opt("bytes", kind.Size, "size of all certificates together"),
	kind.Opt("length", kind.Int("number of certificates", 1, pki.MaxLength, "a chain has 1 to 10"), "how many are sent, the server's own among them; 2 unless said"),
	kind.Opt("names", kind.Strings, `the names it is for, "*.example.test" for all one label below; the node's unless said`),
	kind.Opt("key", kind.Enum("kind of key", words(pki.Keys)...), "ed25519 unless said, whose signatures have one size"),
	kind.Opt("expired", kind.Bool, "it is no longer valid"),
	kind.Opt("not_yet_valid", kind.Bool, "it is not valid yet"),
	kind.Opt("untrusted", kind.Bool, "signed by an authority that no client of the case trusts"),
	kind.Opt("missing_intermediate", kind.Bool, "the server's own certificate is sent alone"),
	kind.Opt("self_signed", kind.Bool, "signed by its own key"),
}}

func words[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// KChain is a certificate chain.
var KChain = &vm.Kind{Name: "certificate chain", Type: "Chain", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, kind.Wrong(x, "a certificate chain", `write chain = tls.chain { bytes = 6000 }, after local tls = require "tls"`)
	}
	return chainOf(c.Table(chainTable, t)), nil
}}

func chainOf(a map[string]any) pki.Spec {
	s := pki.Spec{}
	s.Bytes, _ = a["bytes"].(int)
	s.Length, _ = a["length"].(int)
	s.Names, _ = a["names"].([]string)
	key, _ := a["key"].(string)
	s.Key = pki.Key(key)
	s.Expired, _ = a["expired"].(bool)
	s.NotYetValid, _ = a["not_yet_valid"].(bool)
	s.Untrusted, _ = a["untrusted"].(bool)
	s.MissingIntermediate, _ = a["missing_intermediate"].(bool)
	s.SelfSigned, _ = a["self_signed"].(bool)
	return s
}

// KChains is a list of certificate chains.
var KChains = &vm.Kind{Name: "list of certificate chains", Type: "Chain[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, kind.Wrong(x, "a list of certificate chains", `write { tls.chain { names = { "a.test" } }, tls.chain { names = { "b.test" } } }`)
	}
	items, err := kind.List(t, "write a list")
	if err != nil {
		return nil, err
	}
	var out []pki.Spec
	for _, item := range items {
		s, err := KChain.Parse(c, item)
		if err != nil {
			return nil, err
		}
		out = append(out, s.(pki.Spec))
	}
	return out, nil
}}

// Certificates makes what a server of n was asked to show, by the options chain,
// certificates and names of c.
func Certificates(n *Node, c *vm.Call) ([]tls.Certificate, error) {
	ca, err := n.Run.Authority()
	if err != nil {
		return nil, err
	}
	specs, _ := vm.Arg[[]pki.Spec](c, "certificates")
	if s, ok := vm.Arg[pki.Spec](c, "chain"); ok || len(specs) == 0 {
		specs = append([]pki.Spec{s}, specs...)
	}
	var out []tls.Certificate
	for _, s := range specs {
		if s.Names == nil {
			s.Names, s.Addrs = append([]string{n.Name}, vm.ArgOr[[]string](c, "names", nil)...), n.Addrs()
		}
		cert, err := ca.Issue(s)
		if err != nil {
			return nil, c.Fail("chain", "ask for another", "%v", err)
		}
		out = append(out, cert)
	}
	return out, nil
}
