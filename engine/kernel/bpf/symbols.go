//go:build linux

package bpf

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"sync"
)

// symbols are the kernel's functions in the order of their addresses, in a form
// that processes can share: how many there are, of which modules, for each its
// address and where its name ends, and the names one after the other.
type symbols []byte

const (
	symbolsHead = 16
	symbolSize  = 16
)

func (s symbols) len() int {
	if len(s) < symbolsHead {
		return 0
	}
	return int(binary.NativeEndian.Uint64(s))
}

// of is a hash of the names of the modules that s has the functions of.
func (s symbols) of() uint64 {
	if len(s) < symbolsHead {
		return 0
	}
	return binary.NativeEndian.Uint64(s[8:])
}

// modules is a hash of the names of the modules that are loaded now.
func modules() uint64 {
	text, err := os.ReadFile("/proc/modules")
	if err != nil {
		return 0 // a kernel without
	}
	h := fnv.New64a()
	for line := range bytes.Lines(text) {
		name, _, _ := bytes.Cut(line, []byte{' '})
		_, _ = h.Write(append(name, '\n')) // it cannot fail
	}
	return h.Sum64()
}

func (s symbols) addr(i int) uint64 {
	return binary.NativeEndian.Uint64(s[symbolsHead+i*symbolSize:])
}

func (s symbols) end(i int) int {
	if i < 0 {
		return 0
	}
	return int(binary.NativeEndian.Uint64(s[symbolsHead+i*symbolSize+8:]))
}

func (s symbols) name(i int) string {
	names := s[symbolsHead+s.len()*symbolSize:]
	return string(names[s.end(i-1):s.end(i)])
}

// readSymbols reads /proc/kallsyms, which takes a tenth of a second. It is
// empty where the kernel hides its addresses.
func readSymbols() symbols {
	loaded := modules() // before: one that comes meanwhile has them read again
	f, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil
	}
	defer f.Close()
	text := bytes.NewBuffer(make([]byte, 0, 16<<20)) // some 6 MB without many modules
	if _, err := io.Copy(text, f); err != nil {
		return nil
	}
	return parseSymbols(text.Bytes(), loaded)
}

// parseSymbols reads the format of kallsyms: address, type and name of each
// symbol, and its module. The loaded modules are those of the hash.
func parseSymbols(text []byte, of uint64) symbols {
	type symbol struct {
		addr uint64
		name []byte
	}
	all := make([]symbol, 0, 1<<18)
	size := 0
	for len(text) > 0 {
		var line []byte
		line, text, _ = bytes.Cut(text, []byte{'\n'})
		// ffffffff81000000 T _stext
		const digits = 16
		if len(line) < digits+4 || !strings.ContainsRune("tTwW", rune(line[digits+1])) {
			continue
		}
		addr, err := strconv.ParseUint(string(line[:digits]), 16, 64)
		if err != nil || addr == 0 { // hidden by kptr_restrict
			continue
		}
		name, _, _ := bytes.Cut(line[digits+3:], []byte{'\t'}) // a module's name follows
		all = append(all, symbol{addr, name})
		size += len(name)
	}
	slices.SortStableFunc(all, func(a, b symbol) int { return cmp.Compare(a.addr, b.addr) })
	out := make(symbols, 0, symbolsHead+len(all)*symbolSize+size)
	out = binary.NativeEndian.AppendUint64(out, uint64(len(all)))
	out = binary.NativeEndian.AppendUint64(out, of)
	end := 0
	for _, s := range all {
		end += len(s.name)
		out = binary.NativeEndian.AppendUint64(out, s.addr)
		out = binary.NativeEndian.AppendUint64(out, uint64(end))
	}
	for _, s := range all {
		out = append(out, s.name...)
	}
	return out
}

// shared are those that another process reads ([Open]).
var shared *subscription

// kallsyms are the kernel's functions.
var kallsyms = sync.OnceValue(func() symbols {
	if shared != nil {
		// A case may load modules: then this process reads for itself.
		if s := shared.read(); s.of() == modules() {
			return s
		}
	}
	return readSymbols()
})

// Function is the name of the kernel function that an address is in, empty if
// the kernel hides its addresses.
func Function(addr uint64) string {
	all := kallsyms()
	i := sort.Search(all.len(), func(i int) bool { return all.addr(i) > addr }) - 1
	if i < 0 {
		return ""
	}
	for i > 0 && all.addr(i-1) == all.addr(i) { // the first of its names
		i--
	}
	return all.name(i)
}

// Functions are the names of the functions of a stack, from the one that did
// what is traced down to the system call or the interrupt; what belongs to
// tracing is left out.
func Functions(stack []uint64) []string {
	var out []string
	for i, a := range stack {
		// A return address is behind the call, which may be a function's last
		// instruction.
		name := Function(a - 1)
		if i < depthOfTracing && tracing(name) {
			out = nil // and the program, which may have no name that is known
		} else if name != "" {
			out = append(out, name)
		}
	}
	return out
}

// depthOfTracing is how many functions of tracing may be innermost: the program
// itself, what runs it and what the tracepoint calls.
const depthOfTracing = 4

// tracing reports whether a function is one of the kernel's own for tracing.
func tracing(name string) bool {
	return slices.ContainsFunc([]string{"bpf_", "__bpf_", "__traceiter_", "trace_"},
		func(p string) bool { return strings.HasPrefix(name, p) })
}
