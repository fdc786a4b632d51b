// Package elffile makes small ELF files for tests of what reads them.
package elffile

import (
	"bytes"
	"encoding/binary"
)

// Section is a section of one.
type Section struct {
	Name string
	Data []byte
}

// Make makes an ELF file of x86-64 with these sections and, if there are any, notes.
func Make(notes []byte, sections ...Section) []byte {
	const head, program, section = 64, 56, 64
	names := []byte{0}
	var data bytes.Buffer
	at := func() uint64 { return uint64(head + program + data.Len()) }
	type place struct {
		name      uint32
		off, size uint64
	}
	noteAt := at()
	data.Write(notes)
	var places []place
	for _, s := range sections {
		places = append(places, place{uint32(len(names)), at(), uint64(len(s.Data))})
		names = append(append(names, s.Name...), 0)
		data.Write(s.Data)
	}
	own := uint32(len(names))
	names = append(append(names, ".shstrtab"...), 0)
	places = append(places, place{own, at(), uint64(len(names))})
	data.Write(names)
	tableAt := at()

	var out bytes.Buffer
	put := func(vs ...any) {
		for _, v := range vs {
			_ = binary.Write(&out, binary.LittleEndian, v) // a buffer takes all
		}
	}
	out.WriteString("\x7fELF\x02\x01\x01")
	out.Write(make([]byte, 9))
	put(uint16(1), uint16(62), uint32(1), uint64(0), uint64(head), tableAt, uint32(0), uint16(head), uint16(program),
		uint16(1), uint16(section), uint16(len(places)+1), uint16(len(places)))
	put(uint32(4), uint32(4), noteAt, uint64(0), uint64(0), uint64(len(notes)), uint64(len(notes)), uint64(4))
	out.Write(data.Bytes())
	out.Write(make([]byte, section))
	for i, p := range places {
		kind := uint32(1)
		if i == len(places)-1 {
			kind = 3
		}
		put(p.name, kind, uint64(0), uint64(0), p.off, p.size, uint32(0), uint32(0), uint64(1), uint64(0))
	}
	return out.Bytes()
}
