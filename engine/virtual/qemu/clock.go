//go:build linux

package qemu

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"runtime"
)

// QEMU makes its table of translated addresses (softmmu TLB) smaller when a tenth of a second
// has passed on the clock of the host (gettimeofday, accel/tcg/cputlb.c). Two machines on hosts
// that gave them time at different moments parted then; with a clock that stands still they do
// not. So QEMU is given one in virtual time, as a library that is loaded before all others
// (LD_PRELOAD).

// standing is what gettimeofday is there, for x86-64: it writes 2020-01-01 and returns 0.
var standing = []byte{
	0x48, 0x85, 0xff, // test rdi, rdi
	0x74, 0x0f, // jz past both
	0x48, 0xc7, 0x07, 0x00, 0xe1, 0x0b, 0x5e, // mov qword [rdi], 1577836800
	0x48, 0xc7, 0x47, 0x08, 0, 0, 0, 0, // mov qword [rdi+8], 0
	0x31, 0xc0, // xor eax, eax
	0xc3, // ret
}

// Where things stand in the library: all that is only read in one page, what the loader
// writes to in another.
const (
	page        = 0x1000
	codeAt      = 0x200
	symbolsAt   = 0x300
	namesAt     = 0x380
	hashAt      = 0x400
	symbolSize  = 24
	standsFirst = "gettimeofday"
)

// standingClock is the library, empty where the processor of the host is another.
func standingClock() []byte {
	if runtime.GOARCH != "amd64" {
		return nil
	}
	names := []byte("\x00" + standsFirst + "\x00")
	dynamic := []elf.Dyn64{
		{Tag: int64(elf.DT_HASH), Val: hashAt}, {Tag: int64(elf.DT_SYMTAB), Val: symbolsAt},
		{Tag: int64(elf.DT_STRTAB), Val: namesAt}, {Tag: int64(elf.DT_STRSZ), Val: uint64(len(names))},
		{Tag: int64(elf.DT_SYMENT), Val: symbolSize}, {Tag: int64(elf.DT_NULL)},
	}
	size := uint64(binary.Size(dynamic))
	head := elf.Header64{Type: uint16(elf.ET_DYN), Machine: uint16(elf.EM_X86_64), Version: uint32(elf.EV_CURRENT),
		Phoff: 64, Ehsize: 64, Phentsize: 56, Phnum: 4, Shentsize: 64}
	copy(head.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	segment := func(t elf.ProgType, f elf.ProgFlag, at, n, align uint64) elf.Prog64 {
		return elf.Prog64{Type: uint32(t), Flags: uint32(f), Off: at, Vaddr: at, Paddr: at, Filesz: n, Memsz: n, Align: align}
	}
	segments := []elf.Prog64{
		segment(elf.PT_LOAD, elf.PF_R|elf.PF_X, 0, page, page),
		segment(elf.PT_LOAD, elf.PF_R|elf.PF_W, page, size, page),
		segment(elf.PT_DYNAMIC, elf.PF_R|elf.PF_W, page, size, 8),
		segment(elf.PT_GNU_STACK, elf.PF_R|elf.PF_W, 0, 0, 16),
	}
	symbols := []elf.Sym64{{}, {Name: 1, Info: elf.ST_INFO(elf.STB_GLOBAL, elf.STT_FUNC), Shndx: 1, Value: codeAt,
		Size: uint64(len(standing))}}
	hash := []uint32{1, 2, 1, 0, 0} // one chain of two symbols, that begins at the second
	out := make([]byte, page+int(size))
	for at, part := range map[int]any{0: head, 64: segments, codeAt: standing, symbolsAt: symbols, namesAt: names,
		hashAt: hash, page: dynamic} {
		var b bytes.Buffer
		_ = binary.Write(&b, binary.LittleEndian, part) // a buffer takes all
		copy(out[at:], b.Bytes())
	}
	return out
}
