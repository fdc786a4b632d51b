package told

import (
	"encoding/binary"
	"strconv"
	"strings"

	"netrepro/engine/packet/header"
	"netrepro/engine/pattern"
)

// maxOptions is how long the options of a segment are at most.
const maxOptions = 40

// SetOptions builds the option bytes of "mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7";
// what it does not know it leaves out.
func (p *Packet) SetOptions(s string) {
	be := binary.BigEndian
	var b []byte
	for _, o := range strings.Split(s, ",") {
		if i := strings.Index(o, "[|"); i >= 0 { // cut by the snap length
			p.OptionsCut = true
			continue
		}
		w := strings.Fields(strings.ReplaceAll(o, "timestamp ", "TS val "))
		if len(w) == 0 {
			continue
		}
		num := func(i, bits int) uint64 {
			if i >= len(w) {
				return 0
			}
			n, _ := strconv.ParseUint(w[i], 10, bits)
			return n
		}
		switch w[0] {
		case "mss":
			b = be.AppendUint16(append(b, header.TCPOptMSS, 4), uint16(num(1, 16)))
		case "wscale":
			b = append(b, header.TCPOptWScale, 3, byte(num(1, 8)))
		case "sackOK":
			b = append(b, header.TCPOptSACKPermitted, header.OptionValue)
		case "nop":
			b = append(b, header.TCPOptNop)
		case "TS":
			ecr := 4
			if len(w) == 4 { // "timestamp 1 2"
				ecr = 3
			}
			b = append(b, header.TCPOptTimestamps, 10)
			b = be.AppendUint32(be.AppendUint32(b, uint32(num(2, 32))), uint32(num(ecr, 32)))
		case "sack":
			b = append(b, sackBlocks(o)...)
		case "mptcp":
			b = append(b, mptcp(w)...)
		}
	}
	for len(b)%4 != 0 {
		b = append(b, header.TCPOptNop)
	}
	if len(b) <= maxOptions {
		p.Options = b
	}
}

var subtypes = map[string]byte{"capable": 0, "join": 1, "dss": 2, "add-addr": 3, "rem-addr": 4, "prio": 5, "fail": 6,
	"fast-close": 7, "reset": 8}

// mptcp is an option of which the line tells the subtype (RFC 8684, section 3).
func mptcp(w []string) []byte {
	for _, s := range w[1:] {
		if kind, ok := subtypes[s]; ok {
			return []byte{header.TCPOptMPTCP, 4, kind << 4, 0}
		}
	}
	return nil
}

var sackBlock = pattern.New(`\{(\d+):(\d+)\}`)

// sackBlocks reads "sack 2 {1:16}{256:4096}".
func sackBlocks(s string) []byte {
	ms := sackBlock.FindAllStringSubmatch(s, 4)
	if len(ms) == 0 {
		return nil
	}
	b := []byte{header.TCPOptSACK, byte(header.OptionValue + header.BlockSize*len(ms))}
	for _, m := range ms {
		for _, v := range m[1:] {
			n, _ := strconv.ParseUint(v, 10, 32)
			b = binary.BigEndian.AppendUint32(b, uint32(n))
		}
	}
	return b
}
