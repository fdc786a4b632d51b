//go:build linux

package wire

import "encoding/binary"

// An 802.1Q tag stands behind the MAC addresses.
const (
	tagAt     = 12
	tagSize   = 4
	etherVLAN = 0x8100
	vlanMask  = 0xfff
)

// vlanOf is the size of a frame's 802.1Q tag, 0 if it has none, and its VLAN.
func vlanOf(b []byte) (tag int, vlan uint16) {
	if len(b) < tagAt+tagSize || binary.BigEndian.Uint16(b[tagAt:]) != etherVLAN {
		return 0, 0
	}
	return tagSize, binary.BigEndian.Uint16(b[tagAt+2:]) & vlanMask
}

// tagged is a frame with an 802.1Q tag put in.
func tagged(f Frame, vlan uint16) Frame {
	if len(f.Data) < tagAt {
		return f
	}
	b := make([]byte, 0, len(f.Data)+tagSize)
	b = append(b, f.Data[:tagAt]...)
	b = binary.BigEndian.AppendUint16(b, etherVLAN)
	b = binary.BigEndian.AppendUint16(b, vlan)
	f.Data = append(b, f.Data[tagAt:]...)
	f.Length += tagSize
	return f
}

// untagged is a copy of a frame without its 802.1Q tag.
func untagged(b []byte) []byte {
	out := make([]byte, 0, len(b)-tagSize)
	return append(append(out, b[:tagAt]...), b[tagAt+tagSize:]...)
}
