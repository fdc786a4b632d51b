//go:build linux

package lab

import (
	"fmt"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/trace"
)

// describe says what a capture point is.
func describe(p *trace.Point) string {
	s := fmt.Sprintf("%s of %s on wire %s", p.Dev, p.Node, p.Wire)
	for _, a := range p.Addrs {
		s += ", " + a.String()
	}
	return fmt.Sprintf("%s, MTU %d", s, p.MTU)
}

// head is the beginning of the capture file.
func (l *Lab) head(comment string, points []*trace.Point) []byte {
	var e pcap.Encoder
	b := e.Section(nil, comment, "Linux "+kernel(), "netrepro")
	for _, p := range points {
		b = e.Interface(b, pcap.Interface{Name: p.Name(), MAC: p.MAC, Link: pcap.Ethernet,
			Description: describe(p)})
	}
	var names []pcap.Name
	for _, n := range l.Nodes {
		for _, a := range n.Addrs() {
			names = append(names, pcap.Name{Addr: a, Host: n.Name})
		}
	}
	return e.Names(b, names)
}
