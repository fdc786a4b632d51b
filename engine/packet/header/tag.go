package header

import (
	"encoding/binary"
	"slices"
)

// tagAt is where an 802.1Q tag stands in a frame: behind the MAC addresses.
const tagAt = int(EthernetType)

// Multicast reports whether an Ethernet address is that of a group, as the
// broadcast address is.
func Multicast(mac [6]byte) bool { return mac[0]&1 != 0 }

// Tag is an 802.1Q tag of priority 0.
func Tag(vlan uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, EtherTypeVLAN), vlan)
}

// TagOf is the first 802.1Q tag of a frame, with its EtherType, nil if it has none.
func TagOf(frame []byte) []byte {
	l := Parse(frame)
	if l.VLAN < 0 {
		return nil
	}
	return frame[l.VLAN : l.VLAN+TagSize : l.VLAN+TagSize]
}

// VLANOf is the size of a frame's 802.1Q tag, 0 if it has none, and its VLAN. A tag
// of a provider (802.1ad) is none.
func VLANOf(frame []byte) (size int, vlan uint16) {
	if len(frame) < tagAt+TagSize || EthernetType.Get(frame) != EtherTypeVLAN {
		return 0, 0
	}
	return TagSize, TagControl.Get(frame[tagAt:]) & 0xfff
}

// Tagged is a copy of a frame with an 802.1Q tag put in; a frame too short for one
// is returned as it is.
func Tagged(frame []byte, vlan uint16) []byte {
	if len(frame) < tagAt {
		return frame
	}
	return slices.Concat(frame[:tagAt], Tag(vlan), frame[tagAt:])
}

// Untagged is a copy of a frame without its 802.1Q tag, which it must have.
func Untagged(frame []byte) []byte {
	return slices.Concat(frame[:tagAt], frame[tagAt+TagSize:])
}
