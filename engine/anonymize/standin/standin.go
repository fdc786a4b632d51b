// Package standin has what stands in for what a capture must not tell: addresses of
// documentation for addresses, letters for names and for bytes.
//
// The same is always replaced by the same, as long as one [Map] lives. Its key is made
// of chance and kept nowhere: from what comes out nobody can find out what went in by
// trying.
//
// Invariant: what it remembers is bounded. Beyond the bound, what stands in is drawn
// from a hash, and two things may very seldom get the same.
package standin

import (
	"crypto/rand"
	"crypto/sha512"
	"net/netip"
	"strings"
)

// Map knows what stands in for what. It is not safe for concurrent use.
type Map struct {
	key    [32]byte
	stream *cipherKey
	four   addresses4
	six    addresses6
	macs   macs
	buf    []byte
}

// NewMap is a map that knows nothing yet.
func NewMap() *Map {
	m := &Map{}
	_, _ = rand.Read(m.key[:]) // it never fails
	m.stream = newCipherKey(m)
	return m
}

// Addr is the address that stands in for a. Its kind stays: private, loopback, link
// local, multicast. Two addresses of one /24, or of one /64, stay together.
func (m *Map) Addr(a netip.Addr) netip.Addr {
	switch {
	case !a.IsValid():
		return a
	case a.Is4():
		return netip.AddrFrom4(m.addr4(a.As4()))
	}
	return netip.AddrFrom16(m.addr6(a.As16()))
}

// Name is the name that stands in for a name of a host, label by label, each of the
// same length. An address is mapped as one.
func (m *Map) Name(s string) string {
	if a, err := netip.ParseAddr(s); err == nil {
		return m.Addr(a.WithZone("")).String()
	}
	labels := strings.Split(s, ".")
	for i, l := range labels {
		b := []byte(l)
		m.Label(b)
		labels[i] = string(b)
	}
	return strings.Join(labels, ".")
}

// Label replaces a label of a name, or another word, in place. Upper and lower case
// are the same.
func (m *Map) Label(b []byte) {
	lower := func(c byte) byte {
		if c >= 'A' && c <= 'Z' {
			return c + 'a' - 'A'
		}
		return c
	}
	m.buf = append(append(m.buf[:0], m.key[:]...), "label"...)
	for _, c := range b {
		m.buf = append(m.buf, lower(c))
	}
	sum := sha512.Sum512(m.buf)
	for i := range b {
		if i > 0 && i%len(sum) == 0 {
			sum = sha512.Sum512(append(sum[:], m.key[:]...))
		}
		if i == 0 && b[0] == '_' { // a service
			continue
		}
		mask := byte(len(alphabet) - 1)
		if i == 0 || i == len(b)-1 {
			mask = 15 // a letter
		}
		b[i] = alphabet[sum[i%len(sum)]&mask]
	}
}

// hash is a number for b that only this map gives it. what keeps one use apart from
// another.
func (m *Map) hash(what string, b []byte) (sum [sha512.Size]byte) {
	m.buf = append(append(append(m.buf[:0], m.key[:]...), what...), b...)
	return sha512.Sum512(m.buf)
}
