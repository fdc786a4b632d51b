//go:build linux

package boot

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"netrepro/engine/virtual/image"
)

// loadEarly loads the modules that are loaded before all else. One that this kernel does
// not have is built in, or missed by whoever asks for it.
func loadEarly() error {
	names, err := os.ReadFile(image.EarlyFile)
	if err != nil {
		return fmt.Errorf("load modules: %w", err)
	}
	order := table(image.OrderFile)
	loaded := map[string]bool{}
	for _, n := range strings.Fields(string(names)) {
		if err := load(order, loaded, n); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("load module %s: %w", n, err)
		}
	}
	return nil
}

// table reads lines of a name and what belongs to it.
func table(file string) map[string][]string {
	b, _ := os.ReadFile(file) // without modules all is built in
	out := map[string][]string{}
	for _, line := range strings.Split(string(b), "\n") {
		if f := strings.Fields(line); len(f) > 1 {
			out[f[0]] = append(out[f[0]], f[1:]...)
		}
	}
	return out
}

// load loads a module, with what it needs.
func load(order map[string][]string, loaded map[string]bool, name string) error {
	names := order[name]
	if names == nil {
		return fs.ErrNotExist
	}
	for _, n := range names {
		if loaded[n] {
			continue
		}
		loaded[n] = true
		if err := insert(image.Modules + "/" + n + ".ko"); err != nil {
			return err
		}
	}
	return nil
}

// insert loads the module in a file, unless it is there.
func insert(file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	err = unix.FinitModule(int(f.Fd()), "", 0)
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("%s: %w", path.Base(file), err)
	}
	return nil
}

// Modprobe does what the kernel asks modprobe for: it loads the modules of a name, or of
// an alias that they say of themselves.
func Modprobe(args []string) error {
	name := ""
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			name = strings.ReplaceAll(a, "-", "_")
			break
		}
	}
	order := table(image.OrderFile)
	loaded := map[string]bool{}
	err := load(order, loaded, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	aliases := table(image.AliasFile)
	for _, pattern := range slices.Sorted(maps.Keys(aliases)) {
		modules := aliases[pattern]
		if ok, _ := path.Match(pattern, name); !ok { // what is no pattern matches nothing
			continue
		}
		for _, m := range modules {
			if err := load(order, loaded, m); err != nil {
				return fmt.Errorf("load module %s for %s: %w", m, name, err)
			}
		}
		return nil
	}
	return fmt.Errorf("load module %s: %w", name, fs.ErrNotExist)
}
