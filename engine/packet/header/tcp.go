package header

// TCPFlags are the control bits of a TCP header (RFC 9293, section 3.1).
type TCPFlags uint16

// The control bits.
const (
	FIN TCPFlags = 1 << iota
	SYN
	RST
	PSH
	ACK
	URG
	ECE
	CWR
	// AE stands in the byte before the others (accurate ECN, RFC 9768).
	AE
)

// Has reports whether every bit of want is set.
func (f TCPFlags) Has(want TCPFlags) bool { return f&want == want }

// Any reports whether at least one bit of want is set.
func (f TCPFlags) Any(want TCPFlags) bool { return f&want != 0 }

// String writes the flags as tcpdump does: "S.", "P.", ".", "none".
func (f TCPFlags) String() string {
	if f == 0 {
		return "none"
	}
	buf := make([]byte, 0, 8)
	for _, l := range flagLetters {
		if f.Has(l.bit) {
			buf = append(buf, l.c)
		}
	}
	return string(buf)
}

// flagLetters are tcpdump's letters, in its order.
var flagLetters = [...]struct {
	bit TCPFlags
	c   byte
}{{FIN, 'F'}, {SYN, 'S'}, {RST, 'R'}, {PSH, 'P'}, {ACK, '.'}, {URG, 'U'}, {CWR, 'W'}, {ECE, 'E'}, {AE, 'e'}}

// ParseFlags reads flags as tcpdump writes them, in any order; ok is false if
// there is another letter among them.
func ParseFlags(s string) (f TCPFlags, ok bool) {
next:
	for i := range len(s) {
		for _, l := range flagLetters {
			if s[i] == l.c {
				f |= l.bit
				continue next
			}
		}
		return 0, false
	}
	return f, true
}

// TCP option kinds (IANA).
const (
	TCPOptEnd           = 0
	TCPOptNop           = 1
	TCPOptMSS           = 2
	TCPOptWScale        = 3
	TCPOptSACKPermitted = 4
	TCPOptSACK          = 5
	TCPOptTimestamps    = 8
	TCPOptMPTCP         = 30
)

// NextTCPOption cuts the first option, kind and length included, off the options
// of a segment; no-operations before it are passed over. o is nil where they
// end; ok is false where one reaches beyond them (RFC 9293, section 3.1).
func NextTCPOption(b []byte) (o, rest []byte, ok bool) {
	for len(b) > 0 && OptionKind.Get(b) == TCPOptNop {
		b = b[1:]
	}
	if len(b) == 0 || OptionKind.Get(b) == TCPOptEnd {
		return nil, nil, true
	}
	if len(b) < OptionValue {
		return nil, nil, false
	}
	n := int(OptionLength.Get(b))
	if n < OptionValue || n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// Option finds a TCP option of at least size bytes, kind and length included,
// and returns it, nil if there is none.
func (l *Layout) Option(b []byte, kind byte, size int) []byte {
	if !l.IsTCP() {
		return nil
	}
	o, rest, _ := NextTCPOption(b[l.Trans+TCPSize : l.Payload])
	for o != nil && OptionKind.Get(o) != kind {
		o, rest, _ = NextTCPOption(rest)
	}
	if len(o) < size {
		return nil
	}
	return o
}
