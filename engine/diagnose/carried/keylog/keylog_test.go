package keylog

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
)

func TestAdd(t *testing.T) {
	random, secret := strings.Repeat("ab", 32), strings.Repeat("cd", 32)
	l := New()
	n := l.Add([]byte("# a comment\nSERVER_HANDSHAKE_TRAFFIC_SECRET " + random + " " + secret + "\r\n" +
		"CLIENT_RANDOM " + random + " " + strings.Repeat("ef", 48) + "\nEXPORTER_SECRET " + random + " " + secret +
		"\nSERVER_HANDSHAKE_TRAFFIC_SECRET " + random[2:] + " " + secret + "\nCLIENT_TRAFFIC_SECRET_0 " + random + " zz\n"))
	if n != 3 {
		t.Errorf("%d lines are understood, want 3", n)
	}
	var r Random
	if _, err := hex.Decode(r[:], []byte(random)); err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(l.Secret(ServerHandshake, r)); got != secret {
		t.Errorf("got %q", got)
	}
	if len(l.secrets) != 1 || l.Secret(ClientTraffic, r) != nil || (*Log)(nil).Secret(ClientTraffic, r) != nil {
		t.Errorf("%d secrets are kept", len(l.secrets))
	}
}

// TestDerive is the server's handshake key of RFC 8448, section 3.
func TestDerive(t *testing.T) {
	secret, err := hex.DecodeString("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
	if err != nil {
		t.Fatal(err)
	}
	o, err := NewOpener(aes128gcm, secret)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", o.iv); got != "5d313eb2671276ee13000b30" {
		t.Errorf("the iv is %s", got)
	}
}

func TestOpen(t *testing.T) {
	for _, suite := range []uint16{aes128gcm, aes256gcm, chacha20} {
		secret := bytes.Repeat([]byte{7}, 48)
		o, err := NewOpener(suite, secret)
		if err != nil {
			t.Fatal(err)
		}
		seal := func(n uint64, plain string) []byte {
			nonce := bytes.Clone(o.iv)
			binary.BigEndian.PutUint64(nonce[4:], binary.BigEndian.Uint64(nonce[4:])^n)
			size := len(plain) + o.aead.Overhead()
			return o.aead.Seal(nil, nonce, []byte(plain), binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(size)))
		}
		if _, _, ok := o.Open(seal(1, "not yet\x16")); ok || !o.First() {
			t.Error("a record out of turn was opened")
		}
		for n, plain := range []string{"one\x16", "two\x15\x00\x00", "\x00\x00"} {
			kind, content, ok := o.Open(seal(uint64(n), plain))
			want := strings.TrimRight(plain, "\x00")
			if !ok || want != "" && (string(content) != want[:len(want)-1] || kind != want[len(want)-1]) {
				t.Errorf("suite %x: %q became %d %q, %v", suite, plain, kind, content, ok)
			}
		}
		o.Skip()
		if _, _, ok := o.Open(seal(4, "five\x17")); !ok {
			t.Error("a record behind one that was not kept is not opened")
		}
	}
	if _, err := NewOpener(0xc02f, nil); err == nil {
		t.Error("a suite of TLS 1.2 has an opener")
	}
}

func FuzzAdd(f *testing.F) {
	f.Add([]byte("CLIENT_TRAFFIC_SECRET_0 " + strings.Repeat("ab", 32) + " " + strings.Repeat("cd", 32) + "\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		l := New()
		l.Add(b)
		for k, s := range l.secrets {
			if len(s) > maxSecret || k.label == 0 {
				t.Errorf("%v: %d bytes", k, len(s))
			}
		}
	})
}
