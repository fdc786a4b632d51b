package packet

import "encoding/binary"

// IEEE 802.11 frame control (IEEE 802.11-2020, section 9.2.4.1).
const (
	wifiHeader    = 24
	wifiFourth    = 6 // the fourth address
	wifiQoS       = 2
	wifiHT        = 4
	wifiData      = 2
	wifiToDS      = 0x01
	wifiFromDS    = 0x02
	wifiProtected = 0x40
	wifiOrder     = 0x80
)

// rareLink decodes the headers of links that are captured now and then.
func (d *Decoder) rareLink(l Link, data []byte, size int, p *Packet) {
	n := 0
	switch l {
	case LinkPPPDir:
		n = 1
	case LinkEnc:
		n = 12
	case LinkPflog:
		if len(data) > 0 {
			n = (int(data[0]) + 3) &^ 3
		}
	case LinkRadiotap:
		if len(data) >= 4 {
			n = int(binary.LittleEndian.Uint16(data[2:]))
		}
	case LinkWiFi:
		d.wifi(data, size, p)
		return
	}
	if n == 0 || n > len(data) {
		p.more().malformed = "link header cut short"
		return
	}
	switch data, size = data[n:], size-n; l {
	case LinkPPPDir:
		d.link(LinkPPP, data, size, p)
	case LinkRadiotap:
		d.wifi(data, size, p)
	default:
		d.ip(data, size, p)
	}
}

// wifi decodes a data frame that is not encrypted.
func (d *Decoder) wifi(data []byte, size int, p *Packet) {
	if len(data) < wifiHeader || data[0]>>2&3 != wifiData || data[1]&wifiProtected != 0 {
		return
	}
	n := wifiHeader
	if data[1]&(wifiToDS|wifiFromDS) == wifiToDS|wifiFromDS {
		n += wifiFourth
	}
	if subtype := data[0] >> 4; subtype&8 != 0 {
		n += wifiQoS
		if data[1]&wifiOrder != 0 {
			n += wifiHT
		}
	}
	if n < len(data) {
		d.llc(data[n:], size-n, p)
	}
}
