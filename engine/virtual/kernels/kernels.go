// Package kernels knows the kernels that there are on a machine: those a user has added,
// and those in /boot. It starts none.
//
// Invariant: a kernel is in the store whole or not at all.
package kernels

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/virtual/kernelfile"
	"netrepro/engine/virtual/module"
)

// Kernel is one that can be started.
type Kernel struct {
	Name    string // its version, as uname -r says it
	Image   string // path of its bzImage or vmlinux
	Modules string // path of the folder of its modules, empty where there is none
}

// maxImage bounds the file of a kernel.
const maxImage = 512 << 20

// ErrNone says that there is no such kernel.
var ErrNone = errors.New("there is no such kernel")

// Store is a folder with kernels.
type Store struct{ Dir string }

// Places are where a kernel stands below a folder that a package was unpacked to, or
// below the root of a machine.
var imagePlaces = []string{"boot/vmlinuz-*", "vmlinuz-*", "lib/modules/*/vmlinuz", "usr/lib/modules/*/vmlinuz",
	"vmlinuz", "vmlinux", "bzImage"}

// At finds the kernels below a folder.
func At(dir string) ([]*Kernel, error) {
	var out []*Kernel
	seen := map[string]bool{}
	for _, place := range imagePlaces {
		found, err := filepath.Glob(filepath.Join(quoted(dir), place))
		if err != nil {
			return nil, fmt.Errorf("look for kernels: %w", err)
		}
		for _, image := range found {
			k, err := File(image)
			if err != nil || seen[k.Name] {
				continue // the picture of a boot loader, or one that may not be read
			}
			seen[k.Name] = true
			k.Modules = modulesBelow(dir, k.Name)
			out = append(out, k)
		}
	}
	slices.SortFunc(out, func(a, b *Kernel) int { return Compare(a.Name, b.Name) })
	return out, nil
}

// quoted is a path whose letters mean nothing to Glob.
func quoted(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}

// modulesBelow is the folder of the modules of a kernel, empty if there is none.
func modulesBelow(dir, version string) string {
	for _, place := range []string{"lib/modules/" + version, "usr/lib/modules/" + version, "modules"} {
		p := filepath.Join(dir, place)
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			return p
		}
	}
	return ""
}

// File is the kernel in a bzImage or vmlinux, with the modules that stand beside it or,
// failing that, on this machine.
func File(image string) (*Kernel, error) {
	b, err := files.ReadRegular(image, maxImage)
	if err != nil {
		return nil, fmt.Errorf("read kernel: %w", err)
	}
	version, err := kernelfile.Version(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", image, err)
	}
	k := &Kernel{Name: version, Image: image}
	dir := filepath.Dir(image)
	for _, d := range []string{dir, filepath.Dir(dir), "/"} {
		if k.Modules = modulesBelow(d, version); k.Modules != "" {
			break
		}
	}
	return k, nil
}

// List is all kernels: those of the store, then those of the machine that are not in it.
func (s Store) List() (stored, machine []*Kernel, err error) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("read kernels: %w", err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		found, err := At(filepath.Join(s.Dir, e.Name()))
		if err != nil {
			return nil, nil, err
		}
		for _, k := range found {
			seen[k.Name] = true
		}
		stored = append(stored, found...)
	}
	slices.SortFunc(stored, func(a, b *Kernel) int { return Compare(a.Name, b.Name) })
	all, err := At("/")
	if err != nil {
		return nil, nil, err
	}
	for _, k := range all {
		if !seen[k.Name] {
			machine = append(machine, k)
		}
	}
	return stored, machine, nil
}

// Find is the kernel that a user means: a .deb, which is added to the store, a folder, a
// file, or the name of one in the store or on the machine; of several that a name begins,
// the newest. The empty name means the newest of all.
func (s Store) Find(name string) (*Kernel, error) {
	if st, err := os.Stat(name); name != "" && err == nil {
		switch {
		case st.IsDir():
			found, err := At(name)
			if err == nil && len(found) == 0 {
				err = fmt.Errorf("%s: %w: a folder has boot/vmlinuz-… and lib/modules/… as a package does", name, ErrNone)
			}
			if err != nil {
				return nil, err
			}
			return found[len(found)-1], nil
		case strings.HasSuffix(name, ".deb"):
			added, err := s.Add(name)
			if err != nil {
				return nil, err
			}
			return s.Find(added)
		}
		return File(name)
	}
	stored, machine, err := s.List()
	if err != nil {
		return nil, err
	}
	for _, group := range [][]*Kernel{stored, machine} { // each with the newest last
		for _, k := range slices.Backward(group) {
			if k.Modules != "" && names(name, k.Name) {
				return k, nil
			}
		}
	}
	if name == "" {
		return nil, fmt.Errorf("%w: add one with netrepro kernels add FILE.deb, or name one with --kernel", ErrNone)
	}
	return nil, fmt.Errorf("kernel %q: %w: netrepro kernels shows what there is", name, ErrNone)
}

// names reports whether name means the kernel of a version: it is the version or its
// beginning, up to where a number ends.
func names(name, version string) bool {
	rest, ok := strings.CutPrefix(version, name)
	return ok && (name == "" || rest == "" || strings.ContainsAny(rest[:1], ".-+"))
}

// wanted are the files of a package that a kernel consists of, for a lab.
func wanted(name string) bool {
	if strings.HasPrefix(name, "boot/vmlinuz-") {
		return true
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(name, "usr/"), "lib/modules/")
	if !ok {
		return false
	}
	_, isModule := module.NameOf(rest)
	return isModule || strings.HasSuffix(rest, "/vmlinuz") && strings.Count(rest, "/") == 1
}
