package encap

// Piece is a part of a packet that CAPWAP sends in several.
type Piece struct {
	ID   uint16
	From int
	More bool
	Data []byte
}

// capwapFields are the three bytes behind the preamble.
func capwapFields(r Rest) uint32 { return r.U32(0) & 0xffffff }

// isCAPWAP reports whether r begins with a header that is not encrypted.
func isCAPWAP(r Rest) bool {
	n := int(capwapFields(r)>>capwapLen) * 4
	return r.U8(0) == 0 && n >= capwapLeast && n <= len(r.B)
}

// capwap passes a header of CAPWAP's data channel (RFC 5415, section 4.3) of a packet that
// is whole.
func (p *Path) capwap(r Rest) Inner {
	fields := capwapFields(r)
	if !isCAPWAP(r) || fields>>capwapFragment&1 != 0 || fields>>capwapAlive&1 != 0 {
		return Inner{}
	}
	return p.carried(fields, r.Skip(int(fields>>capwapLen)*4))
}

// carried passes the frame that CAPWAP carries.
func (p *Path) carried(fields uint32, r Rest) Inner {
	const binding80211 = 1
	switch {
	case fields>>capwapNative&1 == 0:
		return p.Ethernet(r)
	case fields>>capwapBinding&0x1f == binding80211:
		// Most access points send the frame control as it stands in their memory.
		return p.WiFi(r, r.U8(1)&wifiKind == wifiData, 1)
	}
	return Inner{}
}

// CAPWAPPiece is the part of a packet that a UDP payload is, nil if it is none.
func CAPWAPPiece(src, dst uint16, b []byte) *Piece {
	r := Rest{b, len(b)}
	fields := capwapFields(r)
	if src != portCAPWAP && dst != portCAPWAP || !isCAPWAP(r) || fields>>capwapFragment&1 == 0 {
		return nil
	}
	return &Piece{ID: r.U16(capwapID), From: int(r.U16(capwapOffset)>>3) * 8, More: fields>>capwapLast&1 == 0,
		Data: r.Skip(int(fields>>capwapLen) * 4).B}
}

// CAPWAP passes the frame that pieces were joined to; b is a payload that one of them
// came in, whose header says what it is.
func (p *Path) CAPWAP(b, whole []byte) (in Inner, ok bool) {
	in = p.carried(capwapFields(Rest{b, len(b)}), Rest{whole, len(whole)})
	return in, in.found()
}
