// Package dns replaces the names and addresses in DNS messages, and leaves their shape:
// who asked for what kind of record, and whether there was one.
//
// Invariant: what is no DNS message stays filler.
package dns

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netrepro/engine/anonymize/standin"
)

// Ports of DNS, of its multicast kind, and of LLMNR (IANA).
const (
	portDNS   = 53
	portMDNS  = 5353
	portLLMNR = 5355
)

// Types of records (IANA).
const (
	typeA     = 1
	typeNS    = 2
	typeCNAME = 5
	typeSOA   = 6
	typePTR   = 12
	typeMX    = 15
	typeTXT   = 16
	typeAAAA  = 28
	typeSRV   = 33
	typeDNAME = 39
	typeOPT   = 41
	typeSVCB  = 64
	typeHTTPS = 65

	optSubnet = 8 // of typeOPT, RFC 7871
)

// HeaderSize is the length of the header of a message.
const HeaderSize = 12

const (
	maxRecords = 4096
	maxLabel   = 63
)

// On reports whether a port is one of DNS.
func On(port uint16) bool { return port == portDNS || port == portMDNS || port == portLLMNR }

// message is a DNS message that is read (RFC 1035, section 4.1).
type message struct {
	names   *standin.Map
	in, out []byte // out is what it becomes, all filler at first
	at      int
	damaged bool // it is no DNS
	cut     bool // it ends too early
}

// Replace puts into out, which is filler, what of the message in may stay: its shape,
// with other names and addresses. What is no DNS it leaves filler, and says so; whole
// says that all of the message was captured.
func Replace(names *standin.Map, whole bool, in, out []byte) bool {
	if len(in) < HeaderSize {
		return false
	}
	filler := slices.Clone(out)
	m := &message{names: names, in: in, out: out}
	m.keep(HeaderSize)
	count := func(i int) int { return int(binary.BigEndian.Uint16(in[2*i:])) }
	questions, records := count(2), count(3)+count(4)+count(5)
	if questions+records > maxRecords {
		m.damaged = true
	}
	for ; questions > 0 && m.fine(); questions-- {
		m.name()
		m.keep(4) // type and class
	}
	for ; records > 0 && m.fine(); records-- {
		m.record()
	}
	if m.damaged = m.damaged || m.cut && whole; m.damaged {
		copy(out, filler)
	}
	return !m.damaged
}

func (m *message) fine() bool { return !m.damaged && !m.cut }

// keep leaves the next n bytes as they were.
func (m *message) keep(n int) {
	if !m.fine() {
		return
	}
	if m.at+n > len(m.in) {
		m.cut = true
		return
	}
	copy(m.out[m.at:m.at+n], m.in[m.at:])
	m.at += n
}

// record reads a resource record (RFC 1035, section 4.1.3).
func (m *message) record() {
	m.name()
	if !m.fine() || m.at+10 > len(m.in) {
		m.cut = true
		return
	}
	kind, n := binary.BigEndian.Uint16(m.in[m.at:]), int(binary.BigEndian.Uint16(m.in[m.at+8:]))
	m.keep(10)
	end := m.at + n
	if end > len(m.in) {
		m.cut = true
		return
	}
	switch {
	case kind == typeA && n == 4:
		copy(m.out[m.at:], m.names.Addr(netip.AddrFrom4([4]byte(m.in[m.at:]))).AsSlice())
	case kind == typeAAAA && n == 16:
		copy(m.out[m.at:], m.names.Addr(netip.AddrFrom16([16]byte(m.in[m.at:]))).AsSlice())
	case kind == typeNS, kind == typeCNAME, kind == typePTR, kind == typeDNAME:
		m.name()
	case kind == typeMX && n > 2:
		m.keep(2)
		m.name()
	case kind == typeSRV && n > 6:
		m.keep(6)
		m.name()
	case kind == typeSOA:
		m.name()
		m.name()
		m.keep(min(20, max(end-m.at, 0)))
	case kind == typeTXT:
		for m.at < end && m.fine() {
			size := int(m.in[m.at])
			m.keep(1)
			m.at += size
		}
	case kind == typeSVCB, kind == typeHTTPS:
		m.keep(min(2, n))
		m.name()
		m.pairs(end, true)
	case kind == typeOPT:
		m.pairs(end, false)
	}
	if m.at > end { // a name that goes on into the next record
		m.damaged = true
	}
	m.at = end
}

// pairs keeps codes and lengths of options up to end. What they say is filler, or is
// cleared where it would have a shape.
func (m *message) pairs(end int, cleared bool) {
	for m.at+4 <= end && m.fine() {
		code, size := binary.BigEndian.Uint16(m.in[m.at:]), int(binary.BigEndian.Uint16(m.in[m.at+2:]))
		m.keep(4)
		value := m.out[min(m.at, end):min(m.at+size, end)]
		if cleared || code == optSubnet {
			clear(value)
		}
		m.at += size
	}
}

// name replaces a name, up to its end or to where it goes on elsewhere.
func (m *message) name() {
	var labels []int
	for m.fine() {
		if m.at >= len(m.in) {
			m.cut = true
			return
		}
		n := int(m.in[m.at])
		switch {
		case n == 0:
			m.keep(1)
			m.address(labels)
			return
		case n&0xc0 == 0xc0:
			m.keep(2)
			return
		case n > maxLabel:
			m.damaged = true
			return
		case m.at+1+n > len(m.in):
			m.cut = true
			return
		}
		m.keep(1)
		labels = append(labels, m.at)
		m.label(m.at, n)
		m.at += n
		if len(labels) > 128 {
			m.damaged = true
		}
	}
}

// common are labels that name no one.
var common = []string{"arpa", "in-addr", "ip6", "local", "_tcp", "_udp", "_dns-sd"}

func (m *message) label(at, n int) {
	to := m.out[at : at+n]
	copy(to, m.in[at:])
	if !slices.Contains(common, strings.ToLower(string(to))) {
		m.names.Label(to)
	}
}

// address replaces the labels of a name that is made of an address (RFC 1035, section
// 3.5; RFC 3596) by those of the one that stands in for it, as far as they are as long.
func (m *message) address(labels []int) {
	text := func(i int) string {
		at := labels[i]
		return string(m.in[at : at+int(m.in[at-1])])
	}
	n := len(labels)
	const nibbles = 32
	switch {
	case n == 6 && text(4) == "in-addr" && text(5) == "arpa":
		a, err := netip.ParseAddr(strings.Join([]string{text(3), text(2), text(1), text(0)}, "."))
		if err != nil || !a.Is4() {
			return
		}
		to := m.names.Addr(a).As4()
		for i := range to {
			if s := strconv.Itoa(int(to[3-i])); len(s) == len(text(i)) {
				copy(m.out[labels[i]:], s)
			}
		}
	case n == nibbles+2 && text(nibbles) == "ip6" && text(nibbles+1) == "arpa":
		var a [16]byte
		for i := range nibbles {
			v, err := strconv.ParseUint(text(i), 16, 4)
			if err != nil {
				return
			}
			a[15-i/2] |= byte(v) << (4 * (i % 2))
		}
		to := m.names.Addr(netip.AddrFrom16(a)).As16()
		for i := range nibbles {
			m.out[labels[i]] = "0123456789abcdef"[to[15-i/2]>>(4*(i%2))&15]
		}
	}
}
