package forge

import "netrepro/engine/packet"

// option finds a TCP option of at least size bytes, kind and length included,
// and returns it, nil if there is none.
func (l *Layout) option(b []byte, kind byte, size int) []byte {
	if !l.IsTCP() {
		return nil
	}
	o, rest, _ := packet.NextTCPOption(b[l.Trans+tcpSize : l.Payload])
	for o != nil && o[0] != kind {
		o, rest, _ = packet.NextTCPOption(rest)
	}
	if len(o) < size {
		return nil
	}
	return o
}

// strip replaces a TCP option by no-operations, as middleboxes do, and reports
// whether there was one.
func (l *Layout) strip(b []byte, kind byte) bool {
	o := l.option(b, kind, 2)
	for i := range o {
		o[i] = packet.TCPOptNop
	}
	return o != nil
}
