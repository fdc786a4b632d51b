//go:build linux

package firewall

import (
	"encoding/binary"
	"fmt"

	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/packet"
)

// Hook says where on a node a rule looks.
type Hook string

// Hooks: what the node sends, what it passes on, what is for itself.
const (
	Out Hook = "out"
	Fwd Hook = "fwd"
	In  Hook = "in"
)

// DropSpec says what a node drops.
type DropSpec struct {
	Hook Hook
	ICMP string // a name of packet.ICMPNames, or empty
	TCP  int    // destination port, or 0
	UDP  int    // destination port, or 0
}

// Drop drops what matches s.
func (t *Table) Drop(s DropSpec) (*Rule, error) {
	h, ok := map[Hook]hook{Out: filterOut, Fwd: filterFwd, In: filterIn}[s.Hook]
	if !ok {
		return nil, fmt.Errorf("no hook %q", s.Hook)
	}
	var match []expr.Any
	switch {
	case s.ICMP != "":
		m, err := icmp(s.ICMP)
		if err != nil {
			return nil, err
		}
		match = m
	case s.TCP != 0:
		match = port(unix.IPPROTO_TCP, s.TCP)
	case s.UDP != 0:
		match = port(unix.IPPROTO_UDP, s.UDP)
	}
	return t.add(h, "drop rule", match, []expr.Any{&expr.Verdict{Kind: expr.VerdictDrop}})
}

// Redirect sends TCP connections to port on to port to of the node itself, as
// the REDIRECT target does.
func (t *Table) Redirect(from, to int) (*Rule, error) {
	return t.add(natPre, "redirect rule", port(unix.IPPROTO_TCP, from), []expr.Any{
		&expr.Immediate{Register: 1, Data: be16(to)},
		&expr.Redir{RegisterProtoMin: 1},
	})
}

// ClampMSS rewrites the MSS option of forwarded SYNs: to mss, or, if mss is 0,
// to what fits the route in both directions.
func (t *Table) ClampMSS(mss int) (*Rule, error) {
	match := append(proto(unix.IPPROTO_TCP),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 13, Len: 1},
		&expr.Bitwise{SourceRegister: 1, DestRegister: 1, Len: 1, Mask: []byte{0x02}, Xor: []byte{0}},
		&expr.Cmp{Op: expr.CmpOpNeq, Register: 1, Data: []byte{0}},
	)
	var load []expr.Any
	if mss == 0 {
		load = []expr.Any{
			&expr.Rt{Register: 1, Key: expr.RtTCPMSS},
			&expr.Byteorder{SourceRegister: 1, DestRegister: 1, Op: expr.ByteorderHton, Len: 2, Size: 2},
		}
	} else {
		load = []expr.Any{&expr.Immediate{Register: 1, Data: be16(mss)}}
	}
	const optMSS = 2 // TCP option kind
	return t.add(mangleFwd, "clamp MSS rule", match, append(load,
		&expr.Exthdr{SourceRegister: 1, Type: optMSS, Offset: 2, Len: 2, Op: expr.ExthdrOpTcpopt}))
}

func be16(v int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(v)) }

func proto(p byte) []expr.Any {
	return []expr.Any{
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: 1},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{p}},
	}
}

func port(p byte, n int) []expr.Any {
	return append(proto(p),
		&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2},
		&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: be16(n)})
}

func icmp(name string) ([]expr.Any, error) {
	tc, ok := packet.ICMPNames[name]
	if !ok {
		return nil, fmt.Errorf("no ICMP message %q", name)
	}
	match := proto(unix.IPPROTO_ICMP)
	for i, v := range tc {
		if v >= 0 {
			match = append(match,
				&expr.Payload{DestRegister: 1, Base: expr.PayloadBaseTransportHeader, Offset: uint32(i), Len: 1},
				&expr.Cmp{Op: expr.CmpOpEq, Register: 1, Data: []byte{byte(v)}})
		}
	}
	return match, nil
}
