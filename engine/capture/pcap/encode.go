package pcap

import (
	"encoding/binary"
	"time"
)

// Block types and options of pcapng that are written here.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockNames      = 4
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 0x0000000a

	byteOrderMagic = 0x1a2b3c4d

	optEnd         = 0
	optComment     = 1
	optOS          = 3
	optApplication = 4
	optIfName      = 2
	optIfDesc      = 3
	optIfMAC       = 6
	optTsResol     = 9
	optEPBFlags    = 2
	optPacketID    = 5
	optISBDropped  = 5

	nrbEnd  = 0
	nrbIPv4 = 1
	nrbIPv6 = 2

	secretsTLSKeyLog = 0x544c534b
)

// Encoder appends pcapng blocks to byte slices, little endian, nanosecond
// time stamps. Its zero value is ready.
type Encoder struct{}

// Section appends a section header block.
func (Encoder) Section(b []byte, comment, os, application string) []byte {
	b, at := begin(b, blockSection)
	b = u32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, ^uint64(0)) // section length unknown
	b = textOption(b, optComment, comment)
	b = textOption(b, optOS, os)
	b = textOption(b, optApplication, application)
	return end(option(b, optEnd, nil), at)
}

// Interface appends an interface description block.
func (Encoder) Interface(b []byte, i Interface) []byte {
	b, at := begin(b, blockInterface)
	b = binary.LittleEndian.AppendUint16(b, uint16(i.Link))
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = u32(b, i.SnapLen)
	b = textOption(b, optIfName, i.Name)
	b = textOption(b, optIfDesc, i.Description)
	if i.MAC != [6]byte{} {
		b = option(b, optIfMAC, i.MAC[:])
	}
	b = option(b, optTsResol, []byte{9})
	b = options(b, i.Options)
	return end(option(b, optEnd, nil), at)
}

// Packet appends an enhanced packet block.
func (Encoder) Packet(b []byte, f *Frame) []byte {
	b, at := begin(b, blockEnhanced)
	b = u32(b, uint32(f.Interface))
	b = u32(b, uint32(uint64(f.Time)>>32))
	b = u32(b, uint32(f.Time))
	b = u32(b, uint32(len(f.Data)))
	b = u32(b, uint32(f.Length))
	b = padded(b, f.Data)
	for _, c := range f.Comments {
		b = textOption(b, optComment, c)
	}
	if f.Direction != Unknown {
		b = option(b, optEPBFlags, u32(nil, uint32(f.Direction)))
	}
	if f.ID != 0 {
		b = option(b, optPacketID, binary.LittleEndian.AppendUint64(nil, f.ID))
	}
	b = options(b, f.Options)
	if len(f.Comments) > 0 || len(f.Options) > 0 || f.Direction != Unknown || f.ID != 0 {
		b = option(b, optEnd, nil)
	}
	return end(b, at)
}

// Names appends a name resolution block. Each name keeps its first address
// first, so that a reader shows it.
func (Encoder) Names(b []byte, names []Name) []byte {
	b, at := begin(b, blockNames)
	for _, n := range names {
		kind := uint16(nrbIPv4)
		if n.Addr.Is6() {
			kind = nrbIPv6
		}
		b = option(b, kind, append(append(n.Addr.AsSlice(), n.Host...), 0))
	}
	return end(option(b, nrbEnd, nil), at)
}

// Secrets appends a decryption secrets block holding lines of the TLS key log
// format (SSLKEYLOGFILE). It helps only packets that come after it.
func (Encoder) Secrets(b, keyLog []byte) []byte {
	b, at := begin(b, blockSecrets)
	b = u32(b, secretsTLSKeyLog)
	b = u32(b, uint32(len(keyLog)))
	return end(padded(b, keyLog), at)
}

// Statistics appends an interface statistics block: how many packets the
// capture itself lost on that interface.
func (Encoder) Statistics(b []byte, iface int, t time.Time, lost uint64) []byte {
	b, at := begin(b, blockStatistics)
	ns := uint64(t.UnixNano())
	b = u32(b, uint32(iface))
	b = u32(b, uint32(ns>>32))
	b = u32(b, uint32(ns))
	b = option(b, optISBDropped, binary.LittleEndian.AppendUint64(nil, lost))
	return end(option(b, optEnd, nil), at)
}

func begin(b []byte, kind uint32) ([]byte, int) {
	at := len(b)
	return u32(u32(b, kind), 0), at
}

// end closes the block that began at offset at: both length fields.
func end(b []byte, at int) []byte {
	n := uint32(len(b) - at + 4)
	binary.LittleEndian.PutUint32(b[at+4:], n)
	return u32(b, n)
}

func u32(b []byte, v uint32) []byte { return binary.LittleEndian.AppendUint32(b, v) }

func padded(b, data []byte) []byte {
	b = append(b, data...)
	for i := len(data); i%4 != 0; i++ {
		b = append(b, 0)
	}
	return b
}

// maxOption is the most an option's 16-bit length can say.
const maxOption = 1<<16 - 1

func option(b []byte, code uint16, v []byte) []byte {
	v = v[:min(len(v), maxOption)]
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(v)))
	return padded(b, v)
}

func options(b []byte, os []Option) []byte {
	for _, o := range os {
		b = option(b, o.Code, o.Value)
	}
	return b
}

func textOption(b []byte, code uint16, s string) []byte {
	if s == "" {
		return b
	}
	return option(b, code, []byte(s))
}
