//go:build linux

// Package sysctl reads and writes the settings of network namespaces, and knows
// those that every node starts with.
//
// Invariant: it never touches a setting of the machine.
package sysctl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/topology"
)

// Set writes a sysctl inside ns. A name the kernel does not have is an
// error that is fs.ErrNotExist.
func Set(ns *netns.NS, s topology.Setting) error {
	return ns.Do(func() error { return write(s) })
}

// write writes s in the calling thread's namespace.
func write(s topology.Setting) error {
	file, err := pathOf(s.Name)
	if err != nil {
		return err
	}
	if spins(s.Name) && !strings.HasPrefix(s.Name, "net.ipv6.conf.all.") { // what is all's, all devices take over
		if b, err := os.ReadFile(file); err == nil && strings.TrimSpace(string(b)) == strings.TrimSpace(s.Value) {
			return nil
		}
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set sysctl %s: %w", s.Name, reason(err))
	}
	if spins(s.Name) {
		err = patiently(f, s.Value)
	} else {
		_, err = f.WriteString(s.Value)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set sysctl %s to %q: %w", s.Name, s.Value, reason(err))
	}
	return nil
}

// Get reads a sysctl inside ns, its fields separated by single spaces.
func Get(ns *netns.NS, name string) (string, error) {
	file, err := pathOf(name)
	if err != nil {
		return "", err
	}
	var b []byte
	err = ns.Do(func() error {
		b, err = os.ReadFile(file)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read sysctl %s: %w", name, reason(err))
	}
	return strings.Join(strings.Fields(string(b)), " "), nil
}

// pathOf is the file of a sysctl; only those of a network namespace are
// allowed, others would change the machine.
func pathOf(name string) (string, error) {
	if !strings.HasPrefix(name, "net.") || strings.ContainsAny(name, "/\x00") || strings.Contains(name, "..") {
		return "", fmt.Errorf("sysctl %q: only dotted names below net. belong to a node", name)
	}
	return path.Join("/proc/sys", strings.ReplaceAll(name, ".", "/")), nil
}

// reason drops the path from a file error: the sysctl's name says it better.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}
