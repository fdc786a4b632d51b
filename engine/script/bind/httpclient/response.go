//go:build linux

package httpclient

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/webclient"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/vm"
)

// response is what a fetch brought, as scripts see it.
type response struct{ *webclient.Response }

// Outcome is how it ended.
func (r *response) Outcome() socket.Result { return r.Result }

// Short says why a request that was answered did not work all the same; empty if it did.
func (r *response) Short() string {
	switch {
	case r.Status >= http.StatusBadRequest && r.Unsent:
		return fmt.Sprintf("status %d, after %d bytes of the request's body", r.Status, r.Sent)
	case r.Status >= http.StatusBadRequest:
		return fmt.Sprintf("status %d", r.Status)
	case r.Unsent:
		return fmt.Sprintf("status %d after %d bytes of the request's body: the server did not wait for the rest, as one "+
			"with upload = true does", r.Status, r.Sent)
	}
	return ""
}

// Local is its connection's address and port on this side.
func (r *response) Local() netip.AddrPort { return r.Response.Local }

// Remote is its connection's address and port on the other side.
func (r *response) Remote() netip.AddrPort { return r.Response.Remote }

func responseNumber(name, doc string, get func(*response) float64) *vm.Field {
	return vm.NumberOf(name, "number", doc, get)
}

// peerField is a text that only TLS has.
func peerField(name, doc string, get func(*handshake.Peer) lua.LValue) *vm.Field {
	return vm.FieldOf(name, "string?", doc+"; nil without TLS.", func(r *response) lua.LValue {
		if r.Peer == nil {
			return lua.LNil
		}
		return get(r.Peer)
	})
}

var responseClass = &vm.Class{Name: "Response", Doc: "What a request brought, even if only in part. Times " +
	"are seconds since the request began; 0 if it did not get that far.",
	Fields: append(endpoint.ResultFields[:2:2],
		responseNumber("status", "HTTP status, 0 if none came.",
			func(r *response) float64 { return float64(r.Status) }),
		vm.FieldOf("body", "string", "The body, or the part of it that came.",
			func(r *response) lua.LValue { return lua.LString(r.Body) }),
		responseNumber("bytes", "Bytes of the body that came.",
			func(r *response) float64 { return float64(len(r.Body)) }),
		responseNumber("sent", "Bytes of its own body that the kernel took.",
			func(r *response) float64 { return float64(r.Sent) }),
		&vm.Field{Name: "headers", Type: "table<string,string>",
			Doc: "The answer's header fields by their names in lower case.", Get: headers},
		vm.FieldOf("proto", "string", `"HTTP/1.1" or "HTTP/2.0"; empty if nothing came.`,
			func(r *response) lua.LValue { return lua.LString(r.Proto) }),
		vm.FieldOf("reused", "boolean", "The connection had been used before.",
			func(r *response) lua.LValue { return lua.LBool(r.Reused) }),
		responseNumber("resolved", "Until the name was an address.",
			func(r *response) float64 { return r.Resolved.Seconds() }),
		responseNumber("connected", "Until TCP was connected.",
			func(r *response) float64 { return r.Connected.Seconds() }),
		responseNumber("handshaken", "Until TLS was ready.",
			func(r *response) float64 { return r.Handshaken.Seconds() }),
		responseNumber("first_byte", "Until the first byte of the answer.",
			func(r *response) float64 { return r.FirstByte.Seconds() }),
		peerField("tls_version", `"TLSv1.3"`, func(p *handshake.Peer) lua.LValue { return lua.LString(p.Version) }),
		peerField("cipher", "Cipher suite", func(p *handshake.Peer) lua.LValue { return lua.LString(p.Cipher) }),
		peerField("alpn", "Protocol above TLS", func(p *handshake.Peer) lua.LValue { return lua.LString(p.ALPN) }),
		peerField("subject", "Common name of the server's certificate",
			func(p *handshake.Peer) lua.LValue { return lua.LString(p.Subject) }),
		peerField("issuer", "Common name of who signed it",
			func(p *handshake.Peer) lua.LValue { return lua.LString(p.Issuer) }),
		peerField("not_after", "When it expires",
			func(p *handshake.Peer) lua.LValue { return lua.LString(p.NotAfter) }),
		peerField("chain", "How many certificates were sent",
			func(p *handshake.Peer) lua.LValue { return lua.LNumber(p.Chain) }),
		peerField("resumed", "A session was resumed",
			func(p *handshake.Peer) lua.LValue { return lua.LBool(p.Resumed) }),
	),
	String: endpoint.Describe}

func headers(v *vm.VM, x any) (lua.LValue, error) {
	t := v.L.NewTable()
	for name, values := range x.(*response).Header {
		t.RawSetString(strings.ToLower(name), lua.LString(values[0]))
	}
	return t, nil
}
