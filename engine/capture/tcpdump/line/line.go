// Package line reads what a line says of one packet: the line as tcpdump prints it, of
// every age and with any of its options, behind its time.
//
// It keeps nothing between lines.
//
// Invariant: no text makes it panic.
package line

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/pattern"
)

var (
	strict = pattern.New(`^(?:::\.?)?[A-Za-z0-9_][A-Za-z0-9_.:%*-]*$|^::$`)
	mac    = pattern.New(`^(?:[0-9A-Fa-f]{1,2}[:-]){5}[0-9A-Fa-f]{1,2}$`)
	// marked is what only a line of a packet has.
	marked = pattern.New(`(?:^|[\s,:)])(?:IP6?|ethertype IPv[46](?: \(0x[0-9a-f]{4}\))?,?)(?:[\s:,]|$)|Flags \[|truncated-ip`)
	// others are the protocols of a link that are not IP.
	others = pattern.New(`(?i)^(?:\S+ +(?:In|Out|B|M|P) +)?(?:.*ethertype )?(?:ARP|RARP|STP|LLDP|CDP|LLC|802\.1d|802\.3|EAPOL|EAP|` +
		`IS-?IS|LACP|LOOP|Slow Protocols|unknown|PPPoE D|MPCP|HomePlug|IPX|AppleTalk|AoE|Loopback|Beacon|Probe|` +
		`Acknowledgment|Clear-To-Send)`)
	// carried is what stands before a packet within another.
	carried = pattern.New(`(?i)^(?:\[[^\]]*\] )?(?:IP6?[ ,(]|GREv?\d?\b|VXLAN|OTV|Geneve|MPLS|STT|GTP|NVGRE|L2TP|EtherIP|FOU|GUE|` +
		`truncated-ip|ip6?-encap|\((?:tos|class|flowlabel|hlim|ttl)\b|vlan \d|ethertype IPv|` +
		`(?:[0-9a-f]{1,2}:){5}[0-9a-f]{1,2} )`)
	// onNextLine is what tcpdump ends a line after, to print the packet within on the
	// next.
	onNextLine = pattern.New(`^(?:\[[^\]]*\] )?(?:VXLAN|OTV|Geneve|NVGRE|STT|GTP|VXLAN-GPE)\b`)
	checksums  = pattern.New(`^\[(?:no cksum|no udp cksum|udp sum ok|bad udp cksum [^\]]*|bad checksum [^\]]*)\] `)
	badUDP     = pattern.New(`^\[bad`)
)

// Result is what became of a line.
type Result struct {
	Packet *told.Packet // nil if there is none, or not enough of one
	// Open says that more of it may be on the next line.
	Open bool
	// Used is how much of the text was understood.
	Used int
	// Looks says that the text looks like that of a packet, so that one that is not
	// understood is worth a word; Err says why it was not.
	Looks bool
	Err   error
}

// reader reads into a packet.
type reader struct{ *told.Packet }

// maxDepth is how many packets may be within each other.
const maxDepth = 6

// Parse reads a line behind its time. stamped says that there was a time.
func Parse(text string, stamped bool) Result {
	whole := len(text)
	mark := ""
	if strings.HasSuffix(text, ".") || strings.HasSuffix(text, "…") || strings.HasSuffix(text, "]") ||
		strings.HasSuffix(text, ">") {
		mark = ellipsis.FindString(text)
	}
	text = text[:whole-len(mark)]
	r := parse(text, stamped, 0)
	if mark == "" {
		return r
	}
	if p := r.Packet; p != nil && p.Last { // the number goes on
		p.Window, p.Last, p.OptionsCut, p.Cut = 0, false, true, true
		p.Missing |= packet.NoWindow
	}
	r.Open = false
	return r
}

// ellipsis is what people leave of a line that they cut.
var ellipsis = pattern.New(` ?(?:\.\.\.+|…+|\[(?:\.\.\.|…|snip|cut)\]|<(?:snip|cut)>)$`)

func parse(text string, stamped bool, depth int) Result {
	at := find(text)
	if at == nil {
		r := Result{Looks: marked.MatchString(text), Open: true}
		head := strings.TrimRight(text, " ")
		l := linkOf(head)
		switch {
		case others.MatchString(text):
			return Result{}
		case l.ends || strings.HasSuffix(head, ">") || strings.Contains(head, " > ") && r.Looks:
			r.Used, r.Looks = len(head), true
			if strings.Contains(head, "Flags [") {
				r.Used = 0
			}
		case stamped && (head == "" || len(strings.Fields(head)) == 1):
			r.Used = len(head)
		}
		if r.Looks {
			r.Err = errors.New("it has no addresses")
		}
		return r
	}
	l := linkOf(text[:at[0]])
	p := reader{&told.Packet{Interface: l.iface, Direction: l.direction, V6: l.v6, TTL: l.ttl, ID: l.id, DF: l.df,
		Proto: l.proto}}
	src, dst, rest := text[at[2]:at[3]], text[at[4]:at[5]], text[at[1]:]
	base := at[1]
	if l.offset > 0 {
		p.Later, p.Offset = true, l.offset
	}
	looks := stamped || marked.MatchString(text)
	// Headers of IPv6 stand before the ports, which then stand alone.
	n, ext := extensions(rest)
	rest, base = rest[n:], base+n
	if m := portsAlone.FindStringSubmatch(rest); m != nil && ext {
		src, dst = src+"."+m[1], dst+"."+m[2]
		rest, base = rest[len(m[0]):], base+len(m[0])
	}
	p.First = firstFragment.MatchString(text[at[1]:])
	if m := laterFragment.FindString(text[at[1]:]); m != "" {
		p.Later, p.Offset = true, fragmentOffset(m)
	}
	if depth < maxDepth && (carried.MatchString(rest) || atStart(rest)) {
		in := parse(rest, false, depth+1)
		if in.Packet != nil && in.Packet.Proto != told.Unknown {
			if in.Packet.Interface == "" {
				in.Packet.Interface, in.Packet.Direction = p.Interface, p.Direction
			}
			if badUDP.MatchString(rest) {
				in.Packet.Checksum = packet.BadTunnel
			}
			in.Used += base
			in.Looks = true
			return in
		}
		if in.Packet == nil && in.Open && in.Used > 0 {
			r := Result{Open: true, Used: in.Used + base, Looks: true}
			r.Packet = outer(p.Packet, src, dst)
			return r
		}
	}
	if onNextLine.MatchString(rest) {
		return Result{Packet: outer(p.Packet, src, dst), Open: true, Used: len(text), Looks: true}
	}
	r := p.transport(src, dst, rest, looks)
	r.Used += base
	return r
}

// outer is a packet whose inner one is not there.
func outer(p *told.Packet, src, dst string) *told.Packet {
	p.Src, p.SrcPort = split(src)
	p.Dst, p.DstPort = split(dst)
	if p.Proto == 0 {
		p.Proto = 17
		if p.SrcPort == "" {
			p.Proto = told.Unknown
		}
	}
	return p
}

// atStart reports whether a text begins with the addresses of a packet.
func atStart(s string) bool {
	if i := strings.IndexAny(s, blanks); i <= 0 || !strings.HasPrefix(s[i:], between) {
		return false
	}
	at := find(s)
	return at != nil && at[0] == 0
}

const (
	between = " > "
	blanks  = " \t\r\n\f"
)

// find is where the addresses of the first packet in a text are: the offsets of "A > B:"
// with what ends it, of A, and of B. Whatever stands before them is the packet's link.
func find(s string) []int {
	for from := 0; ; {
		i := strings.Index(s[from:], between)
		if i < 0 {
			return nil
		}
		end := from + i
		begin := strings.LastIndexAny(s[:end], blanks) + 1
		if j := strings.LastIndexAny(s[begin:end], "([!,;\"'"); j >= 0 {
			begin += j + 1
		}
		from = end + 1
		to := end + len(between)
		word := s[to:]
		if j := strings.IndexAny(word, blanks); j >= 0 {
			word = word[:j]
		}
		dst, ok := strings.CutSuffix(word, ":")
		if !ok || !isEnd(s[begin:end]) || !isEnd(dst) {
			continue
		}
		whole := to + len(word)
		if whole < len(s) {
			whole++ // the blank
		}
		return []int{begin, whole, begin, end, to, to + len(dst)}
	}
}

// isEnd reports whether a word can be the address of one.
func isEnd(s string) bool {
	if !strict.MatchString(s) || mac.MatchString(s) {
		return false
	}
	if strings.ContainsAny(s, ".:") {
		return true
	}
	for _, c := range s { // the name of a host without domain
		if c < '0' || c > '9' {
			return len(s) > 1
		}
	}
	return false
}

// split takes the port off an address: what stands behind its last point, unless all is
// an address.
func split(s string) (host, port string) {
	if _, err := netip.ParseAddr(s); err == nil {
		return s, ""
	}
	i := strings.LastIndexByte(s, '.')
	if i <= 0 {
		return s, ""
	}
	return s[:i], s[i+1:]
}

// short shortens a text for a message.
func short(s string) string {
	const most = 60
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func refuse(format string, args ...any) error { return fmt.Errorf(format, args...) }
