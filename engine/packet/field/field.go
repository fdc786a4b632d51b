// Package field names the header fields that matches read, faults rewrite and
// scripts speak of ([All]). Where they stand is known to package header.
package field

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"netrepro/engine/packet/header"
)

// Layer is what a field belongs to.
type Layer uint8

// Layers. IP is either version, Ports is TCP or UDP.
const (
	Ether Layer = iota
	VLAN
	IP
	IPv4
	IPv6
	Ports
	TCP
	UDP
	ICMP
)

var layerNames = [...]string{"Ethernet", "an 802.1Q tag", "IP", "IPv4", "IPv6", "TCP or UDP", "TCP", "UDP", "ICMP"}

// String names the layer.
func (y Layer) String() string { return layerNames[y] }

// in reports whether a frame has the layer.
func (y Layer) in(l *header.Layout) bool {
	switch y {
	case Ether:
		return true
	case VLAN:
		return l.VLAN >= 0
	case IP:
		return l.Net >= 0
	case IPv4:
		return l.Version == 4
	case IPv6:
		return l.Version == 6
	case TCP:
		return l.IsTCP()
	case UDP:
		return l.Trans >= 0 && l.Proto == header.ProtoUDP
	case Ports:
		return l.Trans >= 0 && (l.Proto == header.ProtoTCP || l.Proto == header.ProtoUDP)
	case ICMP:
		return l.Trans >= 0 && (l.Proto == header.ProtoICMP || l.Proto == header.ProtoICMPv6)
	}
	return false
}

// Type says how a field is written.
type Type uint8

// Types of field.
const (
	Number Type = iota // up to Max
	Bool               // set or not, there or not
	Flags              // as tcpdump writes them
	Address
	Hardware // a MAC address
)

// Value is what a field holds: N for numbers and flags, 0 or 1 for Bool.
type Value struct {
	N    uint64
	Addr netip.Addr
	MAC  [6]byte
}

// Field is one header field of one layer.
type Field struct {
	Name  string
	Layer Layer
	Type  Type
	Max   uint64 // of a Number
	Doc   string
	// ReadOnly fields follow from others.
	ReadOnly bool
	// Option fields are TCP options, which can be stripped.
	Option bool

	get func(b []byte, l *header.Layout) (Value, bool)
	set func(b []byte, l *header.Layout, v Value) bool
	off func(b []byte, l *header.Layout) bool // strips it
}

// Get reads the field; ok is false if the frame does not have it.
func (f *Field) Get(b []byte, l *header.Layout) (Value, bool) {
	if !f.Layer.in(l) {
		return Value{}, false
	}
	return f.get(b, l)
}

// Set writes the field in place; it reports false if the frame does not have
// it. Checksums are not mended: see [header.Edit].
func (f *Field) Set(b []byte, l *header.Layout, v Value) bool {
	return f.Layer.in(l) && f.set != nil && f.set(b, l, v)
}

// Strip takes a TCP option away; it reports false if there was none.
func (f *Field) Strip(b []byte, l *header.Layout) bool {
	return f.Layer.in(l) && f.off != nil && f.off(b, l)
}

// Named finds a field, nil if there is none of that name.
func Named(name string) *Field {
	i := slices.IndexFunc(All, func(f *Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return All[i]
}

// String writes a value of f as scripts do.
func (f *Field) String(v Value) string {
	switch f.Type {
	case Bool:
		return fmt.Sprint(v.N != 0)
	case Flags:
		return fmt.Sprintf("%q", header.TCPFlags(v.N).String())
	case Address:
		return fmt.Sprintf("%q", v.Addr)
	case Hardware:
		return fmt.Sprintf("%q", net.HardwareAddr(v.MAC[:]))
	}
	return fmt.Sprint(v.N)
}
