package forge

// sum adds up b as 16-bit words in ones' complement (RFC 1071).
func sum(b []byte, n uint64) uint64 {
	for ; len(b) >= 4; b = b[4:] {
		n += uint64(be.Uint32(b))
	}
	if len(b) >= 2 {
		n += uint64(be.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		n += uint64(b[0]) << 8
	}
	return n
}

// fold brings a sum to 16 bits.
func fold(n uint64) uint16 {
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// netSum is the sum of an IPv4 header.
func (l *Layout) netSum(b []byte) uint64 {
	if l.Version != 4 {
		return 0
	}
	return sum(b[l.Net:l.Net+int(b[l.Net]&15)*4], 0)
}

// transSum is the sum that the transport checksum covers: the pseudo header
// (RFC 9293, section 3.1; RFC 8200, section 8.1) and everything behind the IP
// header.
func (l *Layout) transSum(b []byte) uint64 {
	if l.Trans < 0 {
		return 0
	}
	n := sum(b[l.Trans:l.End], 0)
	switch {
	case l.Proto == protoICMP:
		return n
	case l.Version == 4:
		n = sum(b[l.Net+12:l.Net+20], n)
	default:
		n = sum(b[l.Net+8:l.Net+40], n)
	}
	return n + uint64(l.End-l.Trans) + uint64(l.Proto)
}

// checksumAt is where the transport checksum stands, -1 if there is none.
func (l *Layout) checksumAt() int {
	if l.Trans < 0 {
		return -1
	}
	switch l.Proto {
	case protoTCP:
		return l.Trans + 16
	case protoUDP:
		return l.Trans + 6
	case protoICMP, protoICMPv6:
		return l.Trans + 2
	}
	return -1
}

// correct changes the checksum at b[at:] by the difference between two sums of
// what it covers, itself included (RFC 1624, equation 3).
func correct(b []byte, at int, before, after uint64) {
	if fold(before) == fold(after) {
		return
	}
	n := uint64(be.Uint16(b[at:])) + uint64(fold(before)) + uint64(^fold(after))
	be.PutUint16(b[at:], fold(n))
}

// Cut reports whether the frame ends before its IP packet does.
func Cut(b []byte) bool {
	l := Parse(b)
	switch l.Version {
	case 4:
		return l.Net+int(be.Uint16(b[l.Net+2:])) > len(b)
	case 6:
		return l.Net+ip6Size+int(be.Uint16(b[l.Net+4:])) > len(b)
	}
	return false
}

// Valid reports whether the checksums of a frame are right, as far as it has
// any: of the IPv4 header, and of the transport header and its payload. UDP may
// leave its out over IPv4 alone (RFC 8200, section 8.1).
func Valid(b []byte) (net, trans bool) {
	l := Parse(b)
	net = l.Version != 4 || fold(l.netSum(b)) == 0xffff
	at := l.checksumAt()
	trans = at < 0 || l.Fragment || l.Proto == protoUDP && l.Version == 4 && be.Uint16(b[at:]) == 0 || fold(l.transSum(b)) == 0xffff
	return net, trans
}
