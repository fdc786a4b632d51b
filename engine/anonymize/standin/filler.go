package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha512"
	"encoding/binary"
)

// alphabet is what filler is made of (RFC 4648, section 6, in lower case). None of it
// begins a TLS record or a line of HTTP, so that filler never looks like either.
const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

// chunk is how much of a datagram is replaced at once.
const chunk = 64

// Block replaces b by filler in place: the same by the same, so that a packet that was
// seen twice still looks so. It goes from chunk to chunk, so that one of which less was
// captured begins as the whole one does.
func (m *Map) Block(b []byte) {
	m.buf = append(append(m.buf[:0], m.key[:]...), "block"...)
	var sum [sha512.Size]byte
	for len(b) > 0 {
		n := min(chunk, len(b))
		at := len(m.key) + len("block")
		m.buf = append(append(m.buf[:at], sum[:]...), b[:n]...)
		sum = sha512.Sum512(m.buf)
		for i := range b[:n] {
			b[i] = alphabet[sum[i]&31]
		}
		b = b[n:]
	}
}

// cipherKey is what the filler of streams is made with.
type cipherKey struct {
	block cipher.Block
	swap  [256]byte // a permutation of all bytes
}

func newCipherKey(m *Map) *cipherKey {
	sum := m.hash("cipher", nil)
	block, err := aes.NewCipher(sum[:32])
	if err != nil {
		panic(err) // the key has the right size
	}
	k := &cipherKey{block: block}
	for i := range k.swap {
		k.swap[i] = byte(i)
	}
	for i := len(k.swap) - 1; i > 0; i-- {
		sum = m.hash("swap", sum[:])
		j := binary.BigEndian.Uint32(sum[:]) % uint32(i+1)
		k.swap[i], k.swap[j] = k.swap[j], k.swap[i]
	}
	return k
}

// Stream makes filler for one direction of a connection: of a byte and the place where
// it stands. A segment that is sent again, in whatever pieces, gets the same filler; and
// what is at another place tells nothing of it.
type Stream struct {
	key   *cipherKey
	nonce uint64
}

// Stream is that of what is called id.
func (m *Map) Stream(id []byte) Stream {
	sum := m.hash("stream", id)
	return Stream{m.stream, binary.BigEndian.Uint64(sum[:])}
}

// Fill replaces b, which begins at sequence number seq, in place.
func (s Stream) Fill(seq uint32, b []byte) {
	const each = aes.BlockSize / 2 // bytes that one block is for
	var in, pad [aes.BlockSize]byte
	binary.BigEndian.PutUint64(in[:], s.nonce)
	for i := range b {
		at := seq + uint32(i)
		if i == 0 || at%each == 0 {
			binary.BigEndian.PutUint32(in[12:], at/each)
			s.key.block.Encrypt(pad[:], in[:])
		}
		k := pad[at%each*2:]
		b[i] = alphabet[(s.key.swap[b[i]^k[0]]^k[1])&31]
	}
}
