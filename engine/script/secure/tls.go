//go:build linux

package secure

import (
	"crypto/tls"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/pki"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// TLS is how a side speaks TLS.
type TLS struct {
	Versions []uint16 // sorted; nil for the usual ones
	Tickets  bool
	HTTP2    bool
}

// VersionsOption takes the versions of TLS; more is said of it behind the example.
func VersionsOption(t *TLS, doc string) vm.Option {
	return kVersions.Opt(&t.Versions, "ssl_protocols", doc)
}

// TicketsOption says whether sessions are resumed: they are unless said.
func TicketsOption(t *TLS) vm.Option {
	return args.Bool.Def(&t.Tickets, "ssl_session_tickets", "true", "sessions may be resumed")
}

// Spec is it as servers and clients of r take it.
func (t *TLS) Spec(r *session.Run) handshake.Spec {
	s := handshake.Spec{Keys: &slot.Of(r).keys, NoTickets: !t.Tickets}
	if v := t.Versions; v != nil {
		s.Min, s.Max = v[0], v[len(v)-1]
	}
	if t.HTTP2 {
		s.ALPN = []string{"h2", "http/1.1"}
	}
	return s
}

// VerifyOption says whether a client checks certificates: it does unless said.
func VerifyOption(to *bool, doc string) vm.Option { return args.Bool.Def(to, "verify", "true", doc) }

// ClientConfig is the configuration of a client of r that expects name.
func (t *TLS) ClientConfig(r *session.Run, verify bool, name string) (*tls.Config, error) {
	var ca *pki.CA
	if verify {
		var err error
		if ca, err = Authority(r); err != nil {
			return nil, err
		}
	}
	return handshake.ClientConfig(t.Spec(r), ca, name), nil
}

var kVersions = vm.NewKind("versions of TLS", "string[]", func(c *vm.Call, x lua.LValue) ([]uint16, error) {
	list, err := args.Strings.Read(c, x)
	if err != nil {
		return nil, err
	}
	var out []uint16
	for _, name := range list {
		v, ok := handshake.Protocols[name]
		if !ok {
			return nil, args.Wrong(lua.LString(name), "a version of TLS",
				"write one of: "+strings.Join(handshake.ProtocolNames(), ", "))
		}
		out = append(out, v)
	}
	if len(out) == 0 {
		return nil, args.Wrong(x, "a list of versions of TLS", `write { "TLSv1.2", "TLSv1.3" }`)
	}
	slices.Sort(out)
	return out, nil
})
