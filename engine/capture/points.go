package capture

import (
	"fmt"
	"net/netip"
	"strings"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet/header/link"
	"netrepro/engine/tcp"
)

// points are the capture points of a source: its interfaces, and those that the headers
// of frames name.
type points struct {
	all  []tcp.Point
	file []int // the interface of the file that each is of
	// of is the point of each interface of the file, found that of each place that frames
	// name.
	of    []int
	found map[place]int
	addrs map[string][]netip.Addr // of hosts, shared between their points
}

// place is where a frame says that it was captured.
type place struct {
	iface int
	link.Origin
}

// maxPlaces bounds how many points frames name.
const maxPlaces = 1 << 12

// maxAddrs is how many addresses of a host are looked at.
const maxAddrs = 64

// learn takes in the interfaces that the source has described. One whose name begins with
// that of a host and a slash, and whose host has addresses in the file, is one of that
// host's own wires: so the engine writes them.
func (p *points) learn(s *Source) {
	interfaces := s.interfaces()
	if len(p.of) == len(interfaces) {
		return
	}
	if p.addrs == nil && s.File != nil {
		p.addrs = map[string][]netip.Addr{}
		for _, n := range s.File.Names {
			if as := p.addrs[n.Host]; len(as) < maxAddrs {
				p.addrs[n.Host] = append(as, n.Addr)
			}
		}
	}
	for i := len(p.of); i < len(interfaces); i++ {
		at := tcp.Point{Name: interfaces[i].Name, Open: s.Text != nil}
		if node, _, ok := strings.Cut(at.Name, "/"); ok {
			at.Addrs = p.addrs[node]
		}
		p.of = append(p.of, p.add(at, i))
	}
}

func (p *points) add(at tcp.Point, iface int) int {
	p.all, p.file = append(p.all, at), append(p.file, iface)
	return len(p.all) - 1
}

// find is the point of a frame from an interface of the file.
func (p *points) find(iface int, o link.Origin) int {
	if iface >= len(p.of) {
		return iface
	}
	at := p.of[iface]
	if !o.Named {
		return at
	}
	o.In, o.Out = false, false
	where := place{iface, o}
	if known, ok := p.found[where]; ok {
		return known
	}
	if len(p.found) >= maxPlaces {
		return at
	}
	name := o.Text()
	if name == "" {
		name = fmt.Sprintf("if %d", o.Index)
	}
	// The interface of the file stays a point of its own, though nothing may be seen there:
	// that there are several must be known before the first frame is followed.
	if p.all[at].Name != name { // else the file is a copy, in which each has its interface
		at = p.add(tcp.Point{Name: name}, iface)
	}
	if p.found == nil {
		p.found = map[place]int{}
	}
	p.found[where] = at
	return at
}

// described are the points, from a number on, as a file describes them.
func (p *points) described(s *Source, begin int) (out []pcap.Interface) {
	if len(p.all) == 0 {
		return []pcap.Interface{{Link: s.frame.Link}}[begin:]
	}
	from := s.interfaces()
	for i := begin; i < len(p.all); i++ {
		x := from[p.file[i]]
		x.Name = p.all[i].Name
		if s.Text != nil {
			x.Link = s.frame.Link
		}
		out = append(out, x)
	}
	return out
}
