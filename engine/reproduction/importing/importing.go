// Package importing makes a scenario of a capture file, as the commands are asked to.
package importing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit"
	"netrepro/engine/reproduction/read"
)

// Options of an import.
type Options struct {
	read.Options
	Peer string // the side that is played: client, server, or empty for none
	// Name is the file that the scenario is for: the scenario is called as that is, so that a
	// folder may hold several.
	Name string
}

// Scenario is what a capture becomes.
type Scenario struct {
	Incident *reproduction.Incident
	Text     string
	Peer     int // the side that is played, -1 for none
}

// File imports the capture at path.
func File(ctx context.Context, path string, o Options) (*Scenario, error) {
	if o.Flow < -1 {
		return nil, errors.New("--flow is not negative: netrepro trace shows the numbers")
	}
	s := &Scenario{Peer: -1}
	switch o.Peer {
	case "":
	case "client":
		s.Peer = reproduction.Client
	case "server":
		s.Peer = reproduction.Server
	default:
		return nil, fmt.Errorf("--peer is client or server, not %q", o.Peer)
	}
	var err error
	if s.Incident, err = read.File(ctx, path, o.Options); err != nil {
		return nil, err
	}
	s.Text = emit.Scenario(s.Incident, emit.Options{Peer: s.Peer, Name: named(o.Name)})
	return s, nil
}

// named is the name of a scenario in a file, of what names may have; empty if nothing is left.
func named(path string) string {
	base := filepath.Base(path)
	base = strings.TrimSuffix(base, filepath.Ext(base))
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '-'
	}, base), "-")
}

// Replaces refuses to write a scenario over what is not an imported one.
func Replaces(path string) error {
	if path == "-" || files.Replaceable(path, emit.Marker) {
		return nil
	}
	return fmt.Errorf("write %s: there is a file of this name that was not imported: name another file, or say --force",
		path)
}

// Write writes the scenario to a file, whole or not at all, or to out if path is "-".
func (s *Scenario) Write(ctx context.Context, path string, out io.Writer) error {
	if path == "-" {
		_, err := io.WriteString(out, s.Text)
		return err
	}
	f, err := files.Create(ctx, path, 0o644)
	if err != nil {
		return fmt.Errorf("write scenario: %w", err)
	}
	_, err = io.WriteString(f, s.Text)
	return f.Close(err)
}
