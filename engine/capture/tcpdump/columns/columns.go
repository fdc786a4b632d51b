// Package columns reads the list of packets of Wireshark and tshark, as it is printed or
// copied: number, time, addresses, protocol, length, and what the packet says.
//
// Invariant: no text makes it panic.
package columns

import (
	"net/netip"
	"strconv"
	"strings"

	"netrepro/engine/capture/tcpdump/clock"
	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

// Row is a line of the list.
type Row struct {
	Stamp  clock.Stamp
	Packet *told.Packet // nil if it was not understood
	// Window is the window as it counts, in bytes: more than the header says where it
	// is scaled. Scale is the shift that a SYN offers, -1 if it offers none.
	Window int
	Scale  int
	// Length is that of the frame, 0 if the list has no such column. Blocks says that SACK
	// blocks make its header longer than others.
	Length int
	Blocks bool
	// Above says that it is a segment of which only what a protocol above says is
	// printed.
	Above bool
	// Part says that what it carries goes on in a later segment, where the list says it again.
	Part bool
}

var (
	arrow = pattern.New(` *(?:→|⇒|->|-&gt;|\\342\\206\\222|â†’) *`)
	csv   = pattern.New(`^"?\d+"?,"`)
	row   = pattern.New(`^(\S+)(?: → | +)(\S+) +(?:(\d+) +(\d+) +)?([A-Za-z][\w./+-]*)(?: +(\d+))?(?: +(.*))?$`)
	info  = pattern.New(`^(?:\[[^\]]*\] *)*([\w-]+)(?:\(\d+\))? *(?:→|>) *([\w-]+)(?:\(\d+\))? +\[([A-Z, <>]+)\](.*)$`)
	field = pattern.New(`\b(Seq|Ack|Win|Len|MSS|WS|TSval|TSecr|TSV|TSER|SLE|SRE)=(\d+)`)
	index = pattern.New(`^\d+ +`)
	ports = pattern.New(`^(?:\[[^\]]*\] *)*(\d+) *(?:→|>) *(\d+)\b(?:.*\bLen=(\d+))?`)
)

// letters are the flags as Wireshark names them.
var letters = map[string]packet.TCPFlags{"FIN": packet.FIN, "SYN": packet.SYN, "RST": packet.RST, "PSH": packet.PSH,
	"ACK": packet.ACK, "URG": packet.URG, "ECN": packet.ECE, "ECE": packet.ECE, "CWR": packet.CWR}

// Parse reads a line; ok is false if it is none of such a list.
func Parse(s string) (r Row, ok bool) {
	if csv.MatchString(s) || strings.Contains(s, `","`) {
		s = strings.Trim(strings.ReplaceAll(s, `","`, "  "), `"`)
	}
	s = strings.TrimLeft(arrow.ReplaceAllString(s, " → "), " ")
	rest := s
	if m := index.FindString(s); m != "" {
		rest = s[len(m):]
	}
	if r.Stamp, rest = clock.Read(rest); r.Stamp.Kind == clock.None {
		return Row{}, false
	}
	m := row.FindStringSubmatch(strings.TrimLeft(rest, " "))
	if m == nil {
		return Row{}, false
	}
	p := &told.Packet{Src: m[1], Dst: m[2], Relative: true}
	if !host(p.Src) || !host(p.Dst) || strings.Contains(p.Src, "→") {
		return Row{}, false
	}
	text := m[7]
	if m[6] != "" && (strings.HasPrefix(text, "→") || strings.HasPrefix(text, ">")) { // no column of lengths
		text = m[6] + " " + text
	}
	r.Packet, r.Scale = p, -1
	if text == m[7] {
		r.Length = int(min(number(m[6]), told.MaxPayload))
	}
	p.SrcPort, p.DstPort = m[3], m[4] // where the list has columns of ports
	p.Carries, r.Part = told.Carried(text), strings.Contains(text, "[TCP segment of a reassembled PDU]")
	switch proto := strings.ToUpper(m[5]); {
	case r.segment(text):
	case proto == "UDP" || proto == "DNS" || proto == "MDNS" || proto == "NTP" || proto == "DHCP" || proto == "QUIC" ||
		proto == "SNMP" || proto == "LLMNR" || proto == "NBNS" || proto == "SSDP":
		p.Proto, p.Missing = header.ProtoUDP, packet.NoLength
		if m := ports.FindStringSubmatch(text); m != nil {
			p.SrcPort, p.DstPort = m[1], m[2]
			if m[3] != "" {
				p.Missing = 0
				p.Payload = int(min(number(m[3]), 1<<16))
			}
		}
	case strings.HasPrefix(proto, "ICMP"):
		p.ICMP(proto + " " + text)
	case proto == "ARP" || proto == "IGMP" || proto == "IGMPV2" || proto == "IGMPV3":
		return Row{}, false
	default:
		r.above(text)
	}
	return r, true
}

// host reports whether a word can be an address in the list.
func host(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return strings.Contains(s, ".") && !strings.ContainsAny(s, ":,()[]{}<>=/\"")
}

// above is a segment of which only what it carries is told.
func (r *Row) above(string) {
	p := r.Packet
	p.Proto, p.Flags, r.Above = header.ProtoTCP, packet.ACK, true
	p.Missing = packet.NoSeq | packet.NoAck | packet.NoWindow | packet.NoLength
	p.OptionsCut = true
}

// segment reads ports, flags in brackets and fields: "Seq=0 Win=64240 Len=0 MSS=1460".
func (r *Row) segment(s string) bool {
	m := info.FindStringSubmatch(s)
	if m == nil {
		return false
	}
	p := r.Packet
	p.Proto, p.SrcPort, p.DstPort = header.ProtoTCP, m[1], m[2]
	for _, name := range strings.Split(m[3], ",") {
		p.Flags |= letters[strings.TrimSpace(name)]
	}
	p.Missing = packet.NoAck | packet.NoWindow | packet.NoLength
	opts := r.fields(m[4])
	if p.Flags.Has(packet.SYN) {
		p.Relative = p.Seq == 0 // else they are as on the wire
	}
	if !p.HasSeq {
		p.Missing |= packet.NoSeq
	}
	if !p.Flags.Has(packet.ACK) {
		p.Missing &^= packet.NoAck
	}
	p.Cut = p.Missing != 0
	p.OptionsCut = p.Missing.Has(packet.NoLength)
	p.SetOptions(opts)
	return true
}

// fields reads what is named in the line, and returns the options as tcpdump writes them.
func (r *Row) fields(s string) string {
	p := r.Packet
	var opts []string
	add := func(o string) { opts = append(opts, o) }
	ts := ""
	for _, f := range field.FindAllStringSubmatch(s, 32) {
		v := number(f[2])
		switch f[1] {
		case "Seq":
			p.Seq, p.HasSeq = uint32(v), true
		case "Ack":
			p.Ack = uint32(v)
			p.Missing &^= packet.NoAck
		case "Win":
			r.Window = int(v)
			p.Missing &^= packet.NoWindow
		case "Len":
			p.Payload = int(min(v, 1<<24))
			p.Missing &^= packet.NoLength
		case "MSS":
			add("mss " + f[2])
		case "WS":
			for r.Scale = 0; 1<<r.Scale < v && r.Scale < 14; {
				r.Scale++
			}
			add("wscale " + strconv.Itoa(r.Scale))
		case "TSval", "TSV":
			ts = "TS val " + f[2]
		case "TSecr", "TSER":
			if ts != "" {
				add(ts + " ecr " + f[2])
			}
		case "SLE":
			r.Blocks = true
			add("sack {" + f[2] + ":")
		case "SRE":
			if n := len(opts); n > 0 && strings.HasSuffix(opts[n-1], ":") {
				opts[n-1] += f[2] + "}"
			}
		}
	}
	if strings.Contains(s, "SACK_PERM") {
		add("sackOK")
	}
	return strings.Join(opts, ",")
}

func number(s string) uint64 {
	n, _ := strconv.ParseUint(s, 10, 33)
	return n
}
