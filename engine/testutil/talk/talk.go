// Package talk has captures of programs that talk TLS, for tests: what crypto/tls writes
// to a pipe, as the packets that it would be.
package talk

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"math/big"
	"os"
	"testing"
	"time"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/testutil/frames"
)

// When is the time of all captures.
var When = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Said is what one side wrote at once. The client is side 0.
type Said struct {
	Side int
	Data []byte
}

// TLS has a client and a server shake hands; if that goes well, each says a few words.
// It returns what was written, and the key log.
func TLS(t testing.TB, client, server *tls.Config) ([]Said, []byte) {
	t.Helper()
	var log bytes.Buffer
	client, server = client.Clone(), server.Clone()
	client.KeyLogWriter = &log
	now := func() time.Time { return When }
	client.Time, server.Time = now, now
	server.SessionTicketsDisabled = true
	p := newPipe()
	a, b := &end{p: p, side: 0}, &end{p: p, side: 1}
	done := make(chan struct{})
	go func() {
		defer close(done)
		s := tls.Server(b, server)
		word := make([]byte, 5)
		if _, err := io.ReadFull(s, word); err == nil {
			_, _ = s.Write([]byte("world"))
		}
		_ = b.Close()
	}()
	c := tls.Client(a, client)
	if err := c.Handshake(); err == nil {
		_, _ = c.Write([]byte("hello"))
		_, _ = io.ReadFull(c, make([]byte, 5))
	}
	_ = a.Close()
	<-done
	return p.said, log.Bytes()
}

// Certificate makes one, valid from 2026-01-01 to 2027-01-01 unless change says otherwise,
// and signs it with that of by, or with its own key if by is nil.
func Certificate(t testing.TB, name string, by *tls.Certificate, change func(*x509.Certificate)) *tls.Certificate {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)}
	if change != nil {
		change(c)
	}
	parent, signer, chain := c, crypto.PrivateKey(key), [][]byte{nil}
	if by != nil {
		parent, signer, chain = by.Leaf, by.PrivateKey, append(chain, by.Certificate...)
	}
	der, err := x509.CreateCertificate(rand.Reader, c, parent, pub, signer)
	if err != nil {
		t.Fatal(err)
	}
	chain[0] = der
	out := &tls.Certificate{Certificate: chain, PrivateKey: key}
	if out.Leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return out
}

// Authority makes a certificate that signs others.
func Authority(t testing.TB, name string, by *tls.Certificate) *tls.Certificate {
	t.Helper()
	return Certificate(t, name, by, func(c *x509.Certificate) {
		c.IsCA, c.BasicConstraintsValid, c.KeyUsage, c.DNSNames = true, true, x509.KeyUsageCertSign, nil
	})
}

const (
	mss  = 1460
	step = 10 * time.Millisecond
	port = 443
)

// Capture writes a capture of a connection that carries what was said, with the key log,
// if there is one: opened, each segment acknowledged, closed.
func Capture(t testing.TB, path string, said []Said, keys []byte) {
	t.Helper()
	var e pcap.Encoder
	b := e.Interface(e.Section(nil, "", "", ""), pcap.Interface{Name: "eth0", Link: pcap.Ethernet})
	if len(keys) > 0 {
		b = e.Secrets(b, keys)
	}
	at, next := When, [2]uint32{1000, 5000}
	send := func(side int, flags packet.TCPFlags, data []byte, o build.Options) {
		p := build.Packet{Src: frames.A4, Dst: frames.B4, SrcPort: 40000, DstPort: port, Proto: packet.ProtoTCP, TTL: 64,
			Seq: next[side], Flags: flags, Window: 60000, Options: o, Payload: data}
		if flags.Has(packet.ACK) {
			p.Ack = next[1-side]
		}
		if side == 1 {
			p.Src, p.Dst, p.SrcPort, p.DstPort = p.Dst, p.Src, p.DstPort, p.SrcPort
		}
		f := frames.Of(t, p)
		b = e.Packet(b, &pcap.Frame{Time: at.UnixNano(), Data: f, Length: len(f)})
		at = at.Add(step)
		next[side] += uint32(len(data))
		if flags.Has(packet.SYN) || flags.Has(packet.FIN) {
			next[side]++
		}
	}
	plain, syn := build.Options{MSS: -1, WScale: -1}, build.Options{MSS: mss, WScale: 7}
	send(0, packet.SYN, nil, syn)
	send(1, packet.SYN|packet.ACK, nil, syn)
	send(0, packet.ACK, nil, plain)
	for _, s := range said {
		for rest := s.Data; len(rest) > 0; {
			n := min(len(rest), mss)
			send(s.Side, packet.PSH|packet.ACK, rest[:n], plain)
			rest = rest[n:]
		}
		send(1-s.Side, packet.ACK, nil, plain)
	}
	send(0, packet.FIN|packet.ACK, nil, plain)
	send(1, packet.FIN|packet.ACK, nil, plain)
	send(0, packet.ACK, nil, plain)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
