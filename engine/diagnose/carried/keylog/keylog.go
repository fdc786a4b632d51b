// Package keylog reads key logs of TLS in the format of NSS (SSLKEYLOGFILE) and opens
// records of TLS 1.3 with them.
//
// It keeps the secrets of the handshake, and the client's of what follows, and no other:
// what servers say behind the handshake stays closed.
//
// Invariant: nothing that it returns in an error or prints holds a secret.
package keylog

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"

	"netrepro/engine/files"
)

// Label says what a secret is for.
type Label uint8

// Labels (RFC 9850).
const (
	ServerHandshake Label = iota + 1
	ClientHandshake
	ClientTraffic
)

var labels = map[string]Label{
	"SERVER_HANDSHAKE_TRAFFIC_SECRET": ServerHandshake,
	"CLIENT_HANDSHAKE_TRAFFIC_SECRET": ClientHandshake,
	"CLIENT_TRAFFIC_SECRET_0":         ClientTraffic,
}

// Random is a client's: it names the connection.
type Random [32]byte

type key struct {
	label  Label
	random Random
}

// Log holds secrets. The nil value has none.
type Log struct{ secrets map[key][]byte }

const (
	// maxSecrets is how many secrets are kept, maxLine how long a line may be.
	maxSecrets = 1 << 16
	maxLine    = 512
	// maxSecret is the longest, that of SHA-512.
	maxSecret = 64
)

// New is an empty log.
func New() *Log { return &Log{secrets: map[key][]byte{}} }

// Add takes in the lines of a log and returns how many of them are of one. Lines that are
// not are passed over.
func (l *Log) Add(text []byte) (understood int) {
	for line := range bytes.SplitSeq(text, []byte{'\n'}) {
		if len(line) > maxLine {
			continue
		}
		words := bytes.Fields(line)
		if len(words) != 3 || len(words[1]) != 2*len(Random{}) || len(words[2]) > 2*maxSecret {
			continue
		}
		var k key
		if _, err := hex.Decode(k.random[:], words[1]); err != nil {
			continue
		}
		secret := make([]byte, hex.DecodedLen(len(words[2])))
		if _, err := hex.Decode(secret, words[2]); err != nil {
			continue
		}
		understood++
		if k.label = labels[string(words[0])]; k.label != 0 && len(l.secrets) < maxSecrets {
			l.secrets[k] = secret
		}
	}
	return understood
}

// maxFile bounds how much of a log is read.
const maxFile = 64 << 20

// Read reads the key log at path; if path is empty, the log is.
func Read(ctx context.Context, path string) (*Log, error) {
	l := New()
	if path == "" {
		return l, nil
	}
	b, err := files.Read(ctx, path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read key log: %w", err)
	}
	if l.Add(b) == 0 {
		return nil, fmt.Errorf("read key log: no line of %s is a label, a client's random and a secret: run the program "+
			"with SSLKEYLOGFILE=FILE", path)
	}
	return l, nil
}

// Secret is that of a connection, nil if the log has it not.
func (l *Log) Secret(label Label, random Random) []byte {
	if l == nil {
		return nil
	}
	return l.secrets[key{label, random}]
}
