package header

// Edit changes a frame by f, which gets its bytes and their layout and returns
// the new bytes, and mends the lengths and checksums that the change touches.
// With keep the checksums are left as they are. The frame itself is not
// changed.
func Edit(frame []byte, keep bool, f func(b []byte, l *Layout) ([]byte, error)) ([]byte, error) {
	b := append(make([]byte, 0, len(frame)+64), frame...)
	old := Parse(b)
	netBefore, transBefore := old.netSum(b), old.transSum(b)
	b, err := f(b, &old)
	if err != nil {
		return nil, err
	}
	if n := len(b) - len(frame); n != 0 {
		resize(b, &old, n)
	}
	if keep {
		return b, nil
	}
	l := Parse(b)
	// The header's own difference first: addresses are part of both.
	if l.Version == 4 && old.Version == 4 {
		correct(b, l.Net+int(IPv4Checksum), netBefore, l.netSum(b))
	}
	at := l.checksumAt()
	if at < 0 || old.checksumAt() < 0 || l.noChecksum(b) {
		return b, nil
	}
	correct(b, at, transBefore, l.transSum(b))
	if l.noChecksum(b) {
		UDPChecksum.Put(b[l.Trans:], 0xffff) // 0 means that there is none (RFC 768)
	}
	return b, nil
}

// resize adds n to the lengths of the IP and UDP headers.
func resize(b []byte, l *Layout, n int) {
	add := func(head int, field Uint16) {
		if at := head + int(field); at+field.Size() <= len(b) {
			field.Put(b[head:], uint16(int(field.Get(b[head:]))+n))
		}
	}
	switch l.Version {
	case 4:
		add(l.Net, IPv4Length)
	case 6:
		add(l.Net, IPv6Length)
	}
	if l.Trans >= 0 && l.Proto == ProtoUDP {
		add(l.Trans, UDPLength)
	}
}
