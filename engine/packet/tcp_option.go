package packet

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
	for len(b) > 0 && b[0] == TCPOptNop {
		b = b[1:]
	}
	if len(b) == 0 || b[0] == TCPOptEnd {
		return nil, nil, true
	}
	if len(b) < 2 || b[1] < 2 || int(b[1]) > len(b) {
		return nil, nil, false
	}
	return b[:b[1]], b[b[1]:], true
}
