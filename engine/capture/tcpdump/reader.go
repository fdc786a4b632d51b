// Package tcpdump reads what tcpdump prints: the text people paste into tickets
// when the capture itself is gone.
//
// Every line becomes a frame again: an IP packet with the headers the line
// tells of and without its payload, as if the capture had been cut short after
// the headers. What a line does not say is zero.
//
// Invariant: no text makes it panic, and its memory is bounded by the number of
// connections in the text.
package tcpdump

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"netrepro/engine/capture/pcap"
)

// linkRaw is the link of the frames: an IP packet and nothing before it.
const linkRaw pcap.LinkType = 101

// Reader reads frames from text.
type Reader struct {
	// Names are the hosts that the text calls by name, with the
	// documentation addresses (RFC 5737) that stand in for them.
	Names []pcap.Name
	// Lost is what tcpdump said that it lost: "packets dropped by kernel".
	Lost uint64
	// Skipped counts the lines that look like packets and could not be
	// understood; FirstSkipped is the first of them and SkippedWhy its fault.
	Skipped, FirstSkipped int
	SkippedWhy            string
	lines                 *bufio.Scanner
	line                  int
	header                ipHeader // of a -v line whose packet is on the next
	frames                int
	clock                 clock
	flows                 map[flowKey]*flow
	names                 map[string]netip.Addr
	ready                 []byte
}

const (
	// maxLine bounds a line; tcpdump prints payload below the line of its
	// packet, so that a longer one is none.
	maxLine = 64 << 10
	// maxFlows bounds how many connections are told apart.
	maxFlows = 1 << 16
	// maxHosts is how many named hosts get an address.
	maxHosts = 1 << 12
)

// NewReader reads text from r.
func NewReader(r io.Reader) *Reader {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, 4096), maxLine)
	return &Reader{lines: s, flows: map[flowKey]*flow{}, names: map[string]netip.Addr{}}
}

// Next reads the next packet into f. The error is io.EOF at the end, or
// [pcap.ErrFormat] if the text has no packet at all.
func (r *Reader) Next(f *pcap.Frame) error {
	for r.lines.Scan() {
		r.line++
		p, err := r.parse(strings.TrimRight(r.lines.Text(), " \t\r"))
		if err != nil {
			if r.Skipped++; r.Skipped == 1 {
				r.FirstSkipped, r.SkippedWhy = r.line, err.Error()
			}
			continue
		}
		if p == nil {
			continue
		}
		r.frames++
		r.ready = p.encode(r.ready[:0])
		*f = pcap.Frame{Time: p.time, Data: r.ready, Length: len(r.ready) + p.payload, Link: linkRaw,
			Line: r.line}
		return nil
	}
	switch err := r.lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("%w: line %d is longer than %d bytes: this is not tcpdump's text", pcap.ErrFormat, r.line+1,
			maxLine)
	case err != nil:
		return fmt.Errorf("read text: %w", err)
	}
	if r.frames == 0 {
		why := "no line of it is one that tcpdump prints"
		if r.Skipped > 0 {
			why = fmt.Sprintf("line %d: %s", r.FirstSkipped, r.SkippedWhy)
		}
		return fmt.Errorf("%w: neither pcap nor pcapng, and as text: %s", pcap.ErrFormat, why)
	}
	return io.EOF
}

// parse returns the packet of a line, nil if it holds none.
func (r *Reader) parse(line string) (*packet, error) {
	if n, ok := strings.CutSuffix(line, " dropped by kernel"); ok {
		n, _, _ = strings.Cut(n, " ")
		r.Lost, _ = strconv.ParseUint(n, 10, 32)
		return nil, nil
	}
	if strings.HasPrefix(line, "\t") { // a hex dump
		return nil, nil
	}
	var rest string
	if strings.HasPrefix(line, "    ") && r.header.seen {
		rest = strings.TrimSpace(line)
	} else {
		r.header = ipHeader{}
		var ok bool
		if rest, ok = r.stamp(line); !ok {
			return nil, nil
		}
		if rest, ok = link(rest); !ok {
			return nil, nil
		}
		if strings.HasPrefix(rest, "(") {
			rest = r.header.parse(rest)
			if rest == "" {
				return nil, nil // the packet is on the next line
			}
		}
	}
	src, rest, ok := strings.Cut(rest, " > ")
	if !ok {
		return nil, nil
	}
	dst, rest, ok := strings.Cut(rest, ": ")
	if !ok || strings.ContainsAny(src+dst, " \t") {
		return nil, nil
	}
	p := &packet{ipHeader: r.header, time: r.clock.now}
	r.header = ipHeader{}
	if quiet.MatchString(rest) {
		return nil, errors.New("printed with -q, which leaves out flags and sequence numbers: print without it")
	}
	tcp := strings.HasPrefix(rest, "Flags [") || oldFlags(rest)
	if err := r.ends(p, src, dst, tcp || !strings.HasPrefix(rest, "ICMP")); err != nil {
		return nil, err
	}
	switch {
	case tcp:
		if err := p.tcp(rest); err != nil {
			return nil, err
		}
		r.absolute(p)
	case strings.HasPrefix(rest, "ICMP"):
		p.icmp(rest)
	default:
		p.udp(rest)
	}
	return p, nil
}

// quiet is what -q leaves of a segment.
var quiet = regexp.MustCompile(`^tcp \d+`)

// link passes over what stands between the time and the addresses: interface
// and direction (-i any), link header (-e), and the protocol.
func link(s string) (string, bool) {
	for _, proto := range []string{"IP ", "IP6 "} {
		if rest, ok := strings.CutPrefix(s, proto); ok {
			return rest, true
		}
	}
	if i := strings.Index(s, " ethertype IPv"); i >= 0 { // -e
		if _, rest, ok := strings.Cut(s[i:], ": "); ok {
			return rest, true
		}
	}
	for _, proto := range []string{" In  IP ", " Out IP ", " In  IP6 ", " Out IP6 ", " In IP ", " In IP6 "} {
		if _, rest, ok := strings.Cut(s, proto); ok {
			return rest, true
		}
	}
	return "", false
}

// ends fills in addresses and ports. Without ports, as in ICMP, the whole word
// is the host.
func (r *Reader) ends(p *packet, src, dst string, ports bool) error {
	for _, e := range []struct {
		text string
		addr *netip.Addr
		port *uint16
	}{{src, &p.src, &p.srcPort}, {dst, &p.dst, &p.dstPort}} {
		host := e.text
		if i := strings.LastIndexByte(e.text, '.'); ports && i > 0 && !isAddr(e.text) {
			host = e.text[:i]
			n, ok := port(e.text[i+1:])
			if !ok {
				return fmt.Errorf("%q is not a port whose number is known: print with tcpdump -n", e.text[i+1:])
			}
			*e.port = n
		}
		a, err := r.host(host)
		if err != nil {
			return err
		}
		*e.addr = a
	}
	if p.src.Is4() != p.dst.Is4() {
		return fmt.Errorf("%s and %s are not of the same IP version", src, dst)
	}
	return nil
}

// isAddr tells an address without a port from one with.
func isAddr(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

func (r *Reader) host(s string) (netip.Addr, error) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone(""), nil
	}
	if a, ok := r.names[s]; ok {
		return a, nil
	}
	if len(r.names) == maxHosts {
		return netip.Addr{}, fmt.Errorf("more than %d named hosts: print with tcpdump -n", maxHosts)
	}
	// 192.0.2.0/24 first, then the benchmarking range, RFC 2544.
	n := len(r.names) + 1
	a := netip.AddrFrom4([4]byte{192, 0, 2, byte(n)})
	if n > 254 {
		a = netip.AddrFrom4([4]byte{198, 18, byte(n >> 8), byte(n)})
	}
	r.names[s] = a
	r.Names = append(r.Names, pcap.Name{Addr: a, Host: s})
	return a, nil
}

// services are the names tcpdump prints most for ports (IANA).
var services = map[string]uint16{
	"ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
	"http": 80, "kerberos": 88,
	"pop3": 110, "sunrpc": 111, "ntp": 123, "imap2": 143, "imap": 143, "snmp": 161, "bgp": 179, "ldap": 389,
	"https": 443, "microsoft-ds": 445,
	"submission": 587, "ldaps": 636, "imaps": 993, "pop3s": 995, "ms-sql-s": 1433, "mysql": 3306, "postgresql": 5432,
	"amqp":  5672,
	"redis": 6379, "ircd": 6667, "http-alt": 8080, "https-alt": 8443,
}

func port(s string) (uint16, bool) {
	if n, err := strconv.ParseUint(s, 10, 16); err == nil {
		return uint16(n), true
	}
	n, ok := services[s]
	return n, ok
}
