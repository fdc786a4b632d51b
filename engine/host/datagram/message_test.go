//go:build linux

package datagram

import "testing"

// FuzzStrip gives a raw socket's message any bytes.
func FuzzStrip(f *testing.F) {
	f.Add([]byte("\x45\x10\x00\x1c\x00\x00\x00\x00\x40\x01\x00\x00" +
		"\xc0\x00\x02\x01\xc0\x00\x02\x02\x08\x00\xff\xff\x00\x00\x00\x00"))
	f.Add([]byte{0x4f})
	f.Fuzz(func(t *testing.T, b []byte) {
		m := Message{Data: b}
		m.strip()
		if len(m.Data) > len(b) || m.TTL < 0 || m.TTL > 255 {
			t.Fatalf("% x became % x, TTL %d", b, m.Data, m.TTL)
		}
		m.read(b)
	})
}
