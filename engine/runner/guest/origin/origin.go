//go:build linux

// Package origin says what a virtual machine is made of, beside the traces of its cases. It
// starts none.
//
// Invariant: two traces of one origin, from machines of their own in virtual time, are the
// same to the byte.
package origin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"netrepro/engine/runner/fingerprint"
)

// File is what the file beside a trace is called.
const File = "machine.json"

// Origin is what a machine is made of.
type Origin struct {
	QEMU    Part     `json:"qemu"`
	Kernel  Part     `json:"kernel"`
	Program Part     `json:"netrepro"`
	Files   Part     `json:"files"`   // the first file system, with modules
	Job     Part     `json:"job"`     // scenarios and options, as the machine reads them
	Command Part     `json:"command"` // how QEMU was called
	Args    []string `json:"args"`    // with what
	Exact   bool     `json:"exact"`   // it ran this case and no other
	// Machine is the fingerprint that the machine took of itself.
	Machine fingerprint.Machine `json:"machine"`
}

// Part is one thing that a machine is made of.
type Part struct {
	Name   string `json:"name,omitempty"`
	SHA256 string `json:"sha256"`
}

// Called is the part that arguments are.
func Called(args []string) Part { return Of("", []byte(strings.Join(args, "\x00"))) }

// Of names data by its hash.
func Of(name string, data []byte) Part {
	sum := sha256.Sum256(data)
	return Part{Name: name, SHA256: hex.EncodeToString(sum[:])}
}

// OfFile is the part that a file is.
func OfFile(name, path string) (Part, error) {
	f, err := os.Open(path)
	if err != nil {
		return Part{}, fmt.Errorf("hash %s: %w", path, err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Part{}, fmt.Errorf("hash %s: %w", path, err)
	}
	return Part{Name: name, SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}

// Text is the file that says so.
func (o Origin) Text() []byte {
	b, err := json.MarshalIndent(o, "", "  ")
	if err != nil {
		b = fmt.Appendf(nil, "{%q: %q}", "error", err)
	}
	return append(b, '\n')
}
