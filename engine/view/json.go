// Package view shows an analysed capture: as JSON, one object a packet, and as
// a ladder.
//
// It finds nothing out; package analysis does.
package view

import (
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"netrepro/engine/analysis"
	"netrepro/engine/packet"
)

// AppendJSON appends r as one line of JSON.
func AppendJSON(b []byte, r *analysis.Record) []byte {
	p := r.Packet
	b = append(b, `{"n":`...)
	b = strconv.AppendInt(b, int64(r.N), 10)
	b = append(b, `,"time":`...)
	b = appendSeconds(b, r.Time)
	if p.Src.IsValid() {
		ports := p.Proto == packet.ProtoTCP || p.Proto == packet.ProtoUDP
		b = appendEnd(append(b, `,"src":"`...), p.Src, p.SrcPort, ports && !p.Fragment)
		b = appendEnd(append(b, `","dst":"`...), p.Dst, p.DstPort, ports && !p.Fragment)
		b = append(b, '"')
	}
	switch {
	case r.Conn != nil:
		b = appendTCP(b, r)
	case p.ICMP() != nil:
		m := p.ICMP()
		b = append(b, `,"proto":"icmp","type":`...)
		b = strconv.AppendInt(b, int64(m.Type), 10)
		b = append(b, `,"code":`...)
		b = strconv.AppendInt(b, int64(m.Code), 10)
		if m.MTU > 0 {
			b = append(b, `,"mtu":`...)
			b = strconv.AppendInt(b, int64(m.MTU), 10)
		}
	case p.Proto == packet.ProtoUDP && !p.Fragment:
		b = append(b, `,"proto":"udp","len":`...)
		b = strconv.AppendInt(b, int64(p.PayloadLen), 10)
	case p.Src.IsValid():
		b = append(b, `,"proto":`...)
		b = strconv.AppendInt(b, int64(p.Proto), 10)
	default:
		b = append(b, `,"ethertype":`...)
		b = strconv.AppendInt(b, int64(p.EtherType), 10)
	}
	if why := p.Malformed(); why != "" {
		b = appendText(append(b, `,"malformed":`...), why)
	}
	return append(b, '}', '\n')
}

func appendTCP(b []byte, r *analysis.Record) []byte {
	p := r.Packet
	b = append(b, `,"flags":"`...)
	b = append(b, p.Flags.String()...)
	b = append(b, `","seq":`...)
	b = strconv.AppendUint(b, uint64(r.Seq), 10)
	b = append(b, `,"ack":`...)
	b = strconv.AppendUint(b, uint64(r.Ack), 10)
	b = append(b, `,"len":`...)
	b = strconv.AppendInt(b, int64(p.PayloadLen), 10)
	b = append(b, `,"win":`...)
	b = strconv.AppendUint(b, uint64(p.Window), 10)
	b = append(b, `,"stream":`...)
	b = strconv.AppendInt(b, int64(r.Conn.ID), 10)
	b = append(b, `,"analysis":`...)
	return r.Flags.AppendJSON(b)
}

// appendSeconds writes d in seconds with six digits, nine if it has any below a
// microsecond.
func appendSeconds(b []byte, d time.Duration) []byte {
	if d < 0 {
		b = append(b, '-')
		d = -d
	}
	b = strconv.AppendInt(b, int64(d/time.Second), 10)
	b = append(b, '.')
	ns := int64(d % time.Second)
	digits, v := 6, ns/1000
	if ns%1000 != 0 {
		digits, v = 9, ns
	}
	var buf [9]byte
	for i := digits - 1; i >= 0; i-- {
		buf[i] = byte('0' + v%10)
		v /= 10
	}
	return append(b, buf[:digits]...)
}

func appendEnd(b []byte, a netip.Addr, port uint16, hasPort bool) []byte {
	if !hasPort {
		return a.AppendTo(b)
	}
	if a.Is4() {
		b = a.AppendTo(b)
	} else {
		b = append(a.AppendTo(append(b, '[')), ']')
	}
	return strconv.AppendUint(append(b, ':'), uint64(port), 10)
}

// appendText writes s as a JSON string.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c < ' ' || c == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
