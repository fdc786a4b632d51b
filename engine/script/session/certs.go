//go:build linux

package session

import (
	"crypto/tls"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pki"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

var chainTable = &vm.Method{Name: "chain", Options: []vm.Option{
	args.Opt("bytes", args.Size, "size of all certificates together"),
	args.Opt("length", args.Int("number of certificates", 1, pki.MaxLength, "a chain has 1 to 10"), "how many are sent, the server's own among them; 2 unless said"),
	args.Opt("names", args.Strings, `the names it is for, "*.example.test" for all one label below; the node's unless said`),
	args.Opt("key", args.Enum("kind of key", words(pki.Keys)...), "ed25519 unless said, whose signatures have one size"),
	args.Opt("expired", args.Bool, "it is no longer valid"),
	args.Opt("not_yet_valid", args.Bool, "it is not valid yet"),
	args.Opt("untrusted", args.Bool, "signed by an authority that no client of the case trusts"),
	args.Opt("missing_intermediate", args.Bool, "the server's own certificate is sent alone"),
	args.Opt("self_signed", args.Bool, "signed by its own key"),
}}

func words[T ~string](of []T) []string {
	out := make([]string, len(of))
	for i, w := range of {
		out[i] = string(w)
	}
	return out
}

// KChain is a certificate chain.
var KChain = &vm.Kind{Name: "certificate chain", Type: "Chain", Table: chainTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a certificate chain", `write chain = tls.chain { bytes = 6000 }, after local tls = require "tls"`)
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
var KChains = &vm.Kind{Name: "list of certificate chains", Type: "Chain[]", Table: chainTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of certificate chains", `write { tls.chain { names = { "a.test" } }, tls.chain { names = { "b.test" } } }`)
	}
	items, err := args.List(t, "write a list")
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
