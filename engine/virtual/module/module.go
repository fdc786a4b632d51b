// Package module reads Linux's loadable modules: what one needs, what asks for it, and in
// which order those of a kernel are loaded. It loads none.
//
// Invariant: a set that is complete loads in its order, each module after what it needs.
package module

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"path"
	"slices"
	"strings"

	"netrepro/engine/pattern"
)

// Module is one module.
type Module struct {
	Name    string
	Data    []byte // as it is loaded: see [Plain]
	Needs   []string
	Aliases []string // patterns of names that the kernel asks for it by
}

// suffix ends the names of files with modules.
var suffix = pattern.New(`\.ko(\.xz|\.zst|\.gz)?$`)

// NameOf is the name of the module in a file, as the kernel says it, and whether the file
// is one.
func NameOf(file string) (name string, ok bool) {
	base := path.Base(file)
	at := suffix.FindStringIndex(base)
	if at == nil {
		return "", false
	}
	return canonical(base[:at[0]]), true
}

// canonical is a name with the one letter that the kernel writes in two ways.
func canonical(name string) string { return strings.ReplaceAll(name, "-", "_") }

var softPre = pattern.New(`pre: (.*?)(?: post:|$)`)

// Read reads a module that is not compressed.
func Read(name string, data []byte) (*Module, error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	s := f.Section(".modinfo")
	if s == nil {
		return nil, fmt.Errorf("read module %s: it says nothing of itself (.modinfo)", name)
	}
	info, err := s.Data()
	if err != nil {
		return nil, fmt.Errorf("read module %s: %w", name, err)
	}
	m := &Module{Name: name, Data: Plain(data)}
	for _, line := range strings.Split(string(info), "\x00") {
		key, value, _ := strings.Cut(line, "=")
		switch key {
		case "depends":
			for _, d := range strings.FieldsFunc(value, func(r rune) bool { return r == ',' }) {
				m.Needs = append(m.Needs, canonical(d))
			}
		case "softdep":
			if pre := softPre.FindStringSubmatch(value); pre != nil {
				for _, d := range strings.Fields(pre[1]) {
					m.Needs = append(m.Needs, canonical(d))
				}
			}
		case "alias":
			m.Aliases = append(m.Aliases, canonical(value))
		}
	}
	return m, nil
}

// signed ends a module with a signature.
const signed = "~Module signature appended~\n"

// Plain is a module without its signature, and with the types that tracing asks for out of
// sight: to check them costs a slow processor seconds, and nothing here reads them. A
// kernel refuses a changed module that is signed, and takes one that is not.
func Plain(data []byte) []byte {
	if rest, ok := bytes.CutSuffix(data, []byte(signed)); ok && len(rest) >= 12 {
		size := int(binary.BigEndian.Uint32(rest[len(rest)-4:]))
		if size <= len(rest)-12 {
			data = rest[:len(rest)-12-size]
		}
	}
	for _, name := range []string{".BTF", ".BTF.base"} {
		data = hide(data, name)
	}
	return data
}

// hide renames a section of an ELF file.
func hide(data []byte, name string) []byte {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil || f.Section(name) == nil {
		return data
	}
	s := f.Section(".shstrtab")
	if s == nil || s.Offset+s.Size > uint64(len(data)) {
		return data
	}
	table := data[s.Offset : s.Offset+s.Size]
	at := bytes.Index(table, []byte("\x00"+name+"\x00"))
	if at < 0 {
		return data
	}
	out := slices.Clone(data)
	out[int(s.Offset)+at+1] = '_'
	return out
}

// Set is the modules of one kernel, by name.
type Set map[string]*Module

// Order is the names of a module and all it needs, in the order in which they are loaded.
// What is needed and not there is taken to be built in.
func (s Set) Order(name string) []string {
	var out []string
	seen := map[string]bool{}
	var add func(string)
	add = func(n string) {
		m := s[n]
		if m == nil || seen[n] {
			return
		}
		seen[n] = true
		for _, d := range m.Needs {
			add(d)
		}
		out = append(out, n)
	}
	add(canonical(name))
	return out
}

// Names are those of the set, sorted.
func (s Set) Names() []string {
	var out []string
	for n := range s {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}
