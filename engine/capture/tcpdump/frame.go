package tcpdump

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/capture/tcpdump/clock"
	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// linkRaw is the link of the frames: an IP packet and nothing before it.
const linkRaw pcap.LinkType = 101

const (
	// maxHosts is how many named hosts get an address.
	maxHosts = 1 << 12
	// maxNamed is how many services get a port.
	maxNamed = 1 << 8
)

// frame makes a frame of an entry; it reports whether there is one.
func (r *Reader) frame(e *entry, f *pcap.Frame) bool {
	if e.section {
		r.begin(e.text)
		return false
	}
	at := r.clock.Time(e.stamp)
	p := e.res.Packet
	if p == nil {
		if e.res.Err == nil {
			e.res.Err = errors.New("what it says is not known")
		}
		r.skip(e.line, e.res.Err.Error())
		return false
	}
	if e.row != nil && !r.fromRow(e) {
		r.skip(e.line, "it does not say the ports, and no packet before it does")
		return false
	}
	src, dst, err := r.ends(p)
	if err != nil {
		r.skip(e.line, err.Error())
		return false
	}
	r.Timeless = r.Timeless || e.stamp.Kind == clock.None
	point := r.point(p.Interface)
	r.fragments(p)
	if p.Proto == header.ProtoTCP && !p.Later {
		if p.Last && r.sized { // other lines say more
			p.Missing |= packet.NoWindow
			p.Window, p.OptionsCut, p.Cut = 0, true, true
		}
		r.sized = r.sized || p.Sized
		r.flows.Absolute(src, dst, p)
	}
	if p.Cut {
		r.cut(e.line, p.Missing)
	}
	payload := e.dump.Payload(p, src, dst)
	if p.Proto == header.ProtoUDP && len(payload) >= len(p.Body) {
		p.Body, payload = payload, nil
	}
	r.ready = encode(r.ready[:0], p, src, dst, r.quote(e))
	length := len(r.ready) + p.Payload + p.Hidden()
	if p.Hidden() == 0 {
		r.ready = append(r.ready, payload...)
	}
	*f = pcap.Frame{Interface: point, Time: at, Data: r.ready, Length: length,
		Link: linkRaw, Direction: p.Direction, Line: e.line, Missing: p.Missing, Checksum: p.Checksum,
		Omitted: e.gap, Torn: p.Cut, Carries: p.Carries}
	if i := strings.Index(e.text, ": HTTP: "); i > 0 && p.Proto == header.ProtoTCP && len(payload) == 0 {
		f.Carries = told.Carried(e.text[i+2:])
	}
	return true
}

// quote is the beginning of the packet that an ICMP error is about, as far as the text
// tells.
func (r *Reader) quote(e *entry) []byte {
	q := e.res.Packet.Refused
	if e.quoted != nil && e.quoted.res.Packet != nil {
		q = e.quoted.res.Packet
	}
	if q == nil {
		return nil
	}
	src, dst, err := r.ends(q)
	if err != nil {
		return nil
	}
	if q.Proto == header.ProtoTCP && q.HasSeq {
		r.flows.Quoted(src, dst, q)
	}
	b := encode(nil, q, src, dst, nil)
	const least = 8 // of the transport header, RFC 792: what stands behind it is not known
	ip := header.IPv4Size
	if src.Addr().Is6() {
		ip = header.IPv6Size
	}
	if q.Proto != header.ProtoTCP && q.Proto != header.ProtoUDP {
		return b[:ip]
	}
	return b[:min(len(b), ip+least)]
}

// ends finds addresses and ports.
func (r *Reader) ends(p *told.Packet) (src, dst netip.AddrPort, err error) {
	six := p.V6
	for _, s := range []string{p.Src, p.Dst} {
		if a, err := netip.ParseAddr(s); err == nil {
			six = a.Is6() && !a.Is4In6()
		}
	}
	a, err := r.host(p.Src, six)
	if err != nil {
		return src, dst, err
	}
	b, err := r.host(p.Dst, six)
	if err != nil {
		return src, dst, err
	}
	if a.Is4() != b.Is4() {
		return src, dst, fmt.Errorf("%s and %s are not of the same IP version", p.Src, p.Dst)
	}
	sp, err := r.port(p.SrcPort)
	if err != nil {
		return src, dst, err
	}
	dp, err := r.port(p.DstPort)
	return netip.AddrPortFrom(a, sp), netip.AddrPortFrom(b, dp), err
}

// host is the address of a host, or one that stands for it.
func (r *Reader) host(s string, six bool) (netip.Addr, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone("").Unmap(), nil
	}
	key := s
	if six {
		key += " 6"
	}
	if a, ok := r.hosts[key]; ok {
		return a, nil
	}
	if len(r.hosts) == maxHosts {
		return netip.Addr{}, fmt.Errorf("more than %d named hosts: print with tcpdump -n", maxHosts)
	}
	// 192.0.2.0/24 first, then the benchmarking range, RFC 2544.
	n := len(r.hosts) + 1
	a := netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
	switch {
	case six:
		a = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 14: byte(n >> 8), 15: byte(n)})
	case n > 254:
		a = netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
	}
	r.hosts[key] = a
	r.Names = append(r.Names, pcap.Name{Addr: a, Host: s})
	return a, nil
}

// port is the number of a port. A service that nobody knows gets one from the upper end,
// where few have one.
func (r *Reader) port(s string) (uint16, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseUint(s, 10, 32); err == nil {
		if n > 1<<16-1 {
			return 0, fmt.Errorf("%q is not a port", s)
		}
		return uint16(n), nil
	}
	if n, ok := services[s]; ok {
		return n, nil
	}
	if n, ok := r.Ports[s]; ok {
		return n, nil
	}
	if len(r.Ports) == maxNamed {
		return 0, fmt.Errorf("%q is not a port whose number is known: print with tcpdump -n", s)
	}
	if r.Ports == nil {
		r.Ports = map[string]uint16{}
	}
	n := uint16(1<<16 - 1 - len(r.Ports))
	r.Ports[s] = n
	return n, nil
}

// fragments lets a later fragment have the protocol of the first, of which alone the text
// says it.
func (r *Reader) fragments(p *told.Packet) {
	switch pair := p.Src + " " + p.Dst; {
	case p.Later && p.Proto == told.Unknown:
		if first, ok := r.firsts[pair]; ok {
			p.Proto = first
		}
	case p.First:
		if len(r.firsts) >= maxHosts {
			clear(r.firsts)
		}
		r.firsts[pair] = p.Proto
	}
}
