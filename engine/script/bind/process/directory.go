//go:build linux

package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"netrepro/engine/pattern"
	"netrepro/engine/script/session"
)

// Places are where the programs of a case find things.
type Places struct {
	// Artifacts is the directory of what the case leaves; empty for none.
	Artifacts string
	// ResolvConf is the resolv.conf of programs on a node.
	ResolvConf func(*session.Node) (string, error)
}

// state is what this room keeps of a case.
type state struct {
	Places
	taken map[string]bool // directories of programs
}

var slot = session.NewSlot(func(*session.Run) *state { return &state{taken: map[string]bool{}} })

// Set says where the programs of r find things.
func Set(r *session.Run, p Places) { slot.Of(r).Places = p }

var unfit = pattern.New(`[^A-Za-z0-9._-]+`)

// directory makes a new directory for a program of a node, among the artifacts.
func (s *state) directory(node, program string) (string, error) {
	if s.Artifacts == "" {
		return os.MkdirTemp("", "netrepro-")
	}
	name := node + "-" + unfit.ReplaceAllString(program, "_")
	for i := 1; ; i++ {
		dir := filepath.Join(s.Artifacts, name)
		if i > 1 {
			dir = filepath.Join(s.Artifacts, fmt.Sprintf("%s-%d", name, i))
		}
		if s.taken[dir] {
			continue
		}
		s.taken[dir] = true
		if err := os.RemoveAll(dir); err != nil { // of an earlier run
			return "", fmt.Errorf("make directory of %s: %w", program, err)
		}
		return dir, nil
	}
}

// hosts is a hosts file with every node of the lab.
func hosts(r *session.Run) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, n := range r.Nodes {
		for _, a := range n.Addrs() {
			fmt.Fprintf(&b, "%s %s\n", a, n.Name)
		}
	}
	return b.String()
}
