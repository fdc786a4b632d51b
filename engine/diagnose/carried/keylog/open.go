package keylog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// Cipher suites of TLS 1.3 (RFC 8446, appendix B.4).
const (
	aes128gcm = 0x1301
	aes256gcm = 0x1302
	chacha20  = 0x1303
)

// Opener opens the records that one side wrote with one secret.
type Opener struct {
	aead cipher.AEAD
	iv   []byte
	n    uint64 // of the record that comes next
}

// errSuite is said of cipher suites that are not opened.
var errSuite = errors.New("records of this cipher suite are not opened")

// NewOpener makes one of a secret (RFC 8446, section 7.3).
func NewOpener(suite uint16, secret []byte) (*Opener, error) {
	size := 32
	expand := func(label string, n int) ([]byte, error) {
		return hkdf.Expand(sha256.New, secret, expandLabel(label, n), n)
	}
	switch suite {
	case aes128gcm:
		size = 16
	case aes256gcm:
		expand = func(label string, n int) ([]byte, error) {
			return hkdf.Expand(sha512.New384, secret, expandLabel(label, n), n)
		}
	case chacha20:
	default:
		return nil, errSuite
	}
	k, err := expand("key", size)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	o := &Opener{}
	if o.iv, err = expand("iv", 12); err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	if suite == chacha20 {
		o.aead, err = chacha20poly1305.New(k)
		return o, err
	}
	block, err := aes.NewCipher(k)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	o.aead, err = cipher.NewGCM(block)
	return o, err
}

// expandLabel is an HkdfLabel without context (RFC 8446, section 7.1).
func expandLabel(label string, n int) string {
	full := "tls13 " + label
	b := binary.BigEndian.AppendUint16(nil, uint16(n))
	b = append(append(b, byte(len(full))), full...)
	return string(append(b, 0))
}

// First reports whether no record was opened yet.
func (o *Opener) First() bool { return o.n == 0 }

// Skip passes over a record that was not kept.
func (o *Opener) Skip() { o.n++ }

// Open opens the body of the next record: its content type and its content. It is not ok
// if the secret is not the right one, and then the record counts as not come yet.
func (o *Opener) Open(body []byte) (kind byte, content []byte, ok bool) {
	nonce := append([]byte(nil), o.iv...)
	at := len(nonce) - 8
	binary.BigEndian.PutUint64(nonce[at:], binary.BigEndian.Uint64(nonce[at:])^o.n)
	header := binary.BigEndian.AppendUint16([]byte{23, 3, 3}, uint16(len(body)))
	plain, err := o.aead.Open(nil, nonce, body, header)
	if err != nil {
		return 0, nil, false
	}
	o.n++
	for len(plain) > 0 && plain[len(plain)-1] == 0 { // padding (RFC 8446, section 5.4)
		plain = plain[:len(plain)-1]
	}
	if len(plain) == 0 {
		return 0, nil, true
	}
	return plain[len(plain)-1], plain[:len(plain)-1], true
}
