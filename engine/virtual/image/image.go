// Package image makes what a virtual machine starts with: the kernel as it is entered, and
// the first file system, in which this program is process 1. It starts nothing.
//
// Invariant: the same kernel and the same program give the same bytes.
package image

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/virtual/cpio"
	"netrepro/engine/virtual/kernelfile"
	"netrepro/engine/virtual/kernels"
	"netrepro/engine/virtual/module"
)

// Places in the first file system that process 1 reads.
const (
	Init      = "/init"
	Modprobe  = "/sbin/modprobe"
	Modules   = "/modules"       // one file NAME.ko a module
	OrderFile = "/modules/order" // NAME and, in loading order, what is loaded for it
	AliasFile = "/modules/alias" // PATTERN NAME
	EarlyFile = "/modules/early" // names that are loaded before all else
)

const (
	maxImage  = 512 << 20 // of a kernel's file
	maxModule = 64 << 20
)

// Kernel is the kernel as a machine enters it soonest.
func Kernel(k *kernels.Kernel) ([]byte, error) {
	b, err := files.ReadRegular(k.Image, maxImage)
	if err != nil {
		return nil, fmt.Errorf("read kernel %s: %w", k.Name, err)
	}
	return kernelfile.Vmlinux(b), nil
}

// Files is the first file system: folders, the modules of the kernel that labs may ask
// for, and the program. More of them may follow it.
func Files(k *kernels.Kernel, program []byte) ([]byte, error) {
	set, err := modules(k.Modules)
	if err != nil {
		return nil, fmt.Errorf("read modules of kernel %s: %w", k.Name, err)
	}
	var out bytes.Buffer
	w := cpio.NewWriter(&out)
	for _, d := range []string{"proc", "sys", "dev", "tmp", "run", "etc", "root", "bin", "sbin", "usr/bin", "usr/sbin",
		"var/tmp", "out"} {
		w.Dir(d)
	}
	w.Device("dev/console", 5, 1)
	w.Device("dev/null", 1, 3)
	w.File(Init, program, 0o755)
	w.Link(Modprobe, Init)
	w.Link("bin/netrepro", Init)
	w.File("etc/passwd", []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"), 0o644)
	w.File("etc/group", []byte("root:x:0:\nnogroup:x:65534:\n"), 0o644)
	w.File("etc/hosts", []byte("127.0.0.1 localhost\n"), 0o644)
	w.File("etc/resolv.conf", nil, 0o644)
	var order, alias strings.Builder
	for _, n := range set.Names() {
		m := set[n]
		w.File(Modules+"/"+n+".ko", m.Data, 0o644)
		fmt.Fprintln(&order, n, strings.Join(set.Order(n), " "))
		for _, a := range m.Aliases {
			fmt.Fprintln(&alias, a, n)
		}
	}
	w.File(OrderFile, []byte(order.String()), 0o644)
	w.File(AliasFile, []byte(alias.String()), 0o644)
	w.File(EarlyFile, []byte(strings.Join(module.Early, "\n")), 0o644)
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// More is a further file system for the machine, over the first: files and links by their
// paths. It is empty without any.
func More(data map[string][]byte, links map[string]string) ([]byte, error) {
	if len(data)+len(links) == 0 {
		return nil, nil
	}
	var out bytes.Buffer
	w := cpio.NewWriter(&out)
	for _, at := range slices.Sorted(maps.Keys(data)) {
		w.File(at, data[at], 0o755)
	}
	for _, at := range slices.Sorted(maps.Keys(links)) {
		w.Link(at, links[at])
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// modules reads those that labs may ask for, with all they need, from the folder of a
// kernel's modules.
func modules(dir string) (module.Set, error) {
	at := map[string]string{}
	var todo []string
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, ok := module.NameOf(p)
		if !ok {
			return nil
		}
		at[name] = p
		if module.Wanted(filepath.ToSlash(p)) {
			todo = append(todo, name)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	set := module.Set{}
	for len(todo) > 0 {
		name := todo[0]
		todo = todo[1:]
		if set[name] != nil || at[name] == "" {
			continue
		}
		m, err := readModule(name, at[name])
		if err != nil {
			return nil, err
		}
		set[name] = m
		todo = append(todo, m.Needs...)
	}
	return set, nil
}

func readModule(name, path string) (*module.Module, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if b, err = kernelfile.Decompress(b, maxModule); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return module.Read(name, b)
}
