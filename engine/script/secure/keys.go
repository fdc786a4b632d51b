//go:build linux

package secure

import (
	"sync"

	"netrepro/engine/host/pki"
	"netrepro/engine/script/session"
)

// secrets are the authority and the key log of a case.
type secrets struct {
	ca   *pki.CA // made when first needed
	keys keyLog
}

var slot = session.NewSlot(func(r *session.Run) *secrets { return &secrets{keys: keyLog{run: r}} })

// Authority is the case's CA.
func Authority(r *session.Run) (*pki.CA, error) {
	s := slot.Of(r)
	if s.ca == nil {
		ca, err := pki.NewCA()
		if err != nil {
			return nil, err
		}
		s.ca = ca
	}
	return s.ca, nil
}

// keyLog writes TLS key log lines into the capture, each once: client and
// server have the same.
type keyLog struct {
	run  *session.Run
	mu   sync.Mutex
	seen map[string]bool
}

// Write implements io.Writer; crypto/tls calls it with one line at a time.
func (k *keyLog) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.seen[string(line)] {
		if k.seen == nil {
			k.seen = map[string]bool{}
		}
		k.seen[string(line)] = true
		k.run.Lab.Secrets(line)
	}
	return len(line), nil
}
