//go:build linux

package probe

import (
	"bytes"
	"cmp"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// symbol is a function of the kernel.
type symbol struct {
	addr uint64
	name []byte
}

// kallsyms are the functions by address, read when first asked for: there are
// more than a hundred thousand.
var kallsyms = sync.OnceValue(func() []symbol {
	text, err := os.ReadFile("/proc/kallsyms")
	if err != nil {
		return nil
	}
	out := make([]symbol, 0, 1<<17)
	for line := range bytes.Lines(text) {
		// ffffffff81000000 T _stext
		const digits = 16
		if len(line) < digits+4 || !strings.ContainsRune("tTwW", rune(line[digits+1])) {
			continue
		}
		a, err := strconv.ParseUint(string(line[:digits]), 16, 64)
		if err != nil || a == 0 { // hidden by kptr_restrict
			continue
		}
		name := line[digits+3:]
		if end := bytes.IndexAny(name, "\t\n"); end >= 0 { // a module's name follows
			name = name[:end]
		}
		out = append(out, symbol{a, name})
	}
	slices.SortFunc(out, func(a, b symbol) int { return cmp.Compare(a.addr, b.addr) })
	return out
})

// Function is the name of the kernel function that an address is in, empty if
// the kernel hides its addresses.
func Function(addr uint64) string {
	all := kallsyms()
	i, found := slices.BinarySearchFunc(all, addr, func(s symbol, a uint64) int { return cmp.Compare(s.addr, a) })
	if !found {
		i--
	}
	if i < 0 {
		return ""
	}
	return string(all[i].name)
}

// Functions are the names of the functions of a stack, from the one that did
// what is traced down to the system call or the interrupt; what belongs to
// tracing is left out.
func Functions(stack []uint64) []string {
	var out []string
	for _, a := range stack {
		// A return address is behind the call, which may be a function's last
		// instruction.
		name := Function(a - 1)
		if name == "" || len(out) == 0 && tracing(name) {
			continue
		}
		out = append(out, name)
	}
	return out
}

// tracing reports whether a function is one of the kernel's own for tracing.
func tracing(name string) bool {
	return slices.ContainsFunc([]string{"bpf_", "__bpf_", "__traceiter_", "trace_"}, func(p string) bool { return strings.HasPrefix(name, p) })
}
