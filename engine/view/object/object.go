// Package object writes an analysed packet as an object of JSON, one a line: what trace --json prints.
//
// It finds nothing out; package tcp does. Invariant: every line is one valid object, whatever the packet holds.
package object

import (
	"encoding/json"
	"net/netip"
	"strconv"
	"time"
	"unicode/utf8"

	"netrepro/engine/packet"
	"netrepro/engine/sanitize"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// AppendJSON appends r as one line of JSON.
func AppendJSON(b []byte, r *tcp.Record) []byte {
	p := r.Packet
	b = append(b, `{"n":`...)
	b = strconv.AppendInt(b, int64(r.N), 10)
	b = append(b, `,"time":`...)
	b = appendSeconds(b, r.Time)
	switch c := r.Conn; {
	case c != nil:
		b = append(append(b, `,"src":"`...), c.Text[r.Side]...)
		b = append(append(b, `","dst":"`...), c.Text[1-r.Side]...)
		b = append(b, '"')
	case p.Src.IsValid():
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
		if q := m.Quoted; q != nil && q.Proto == packet.ProtoTCP && q.SrcPort|q.DstPort != 0 {
			b = appendQuoted(b, r, q)
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
	if p.Checksum.Drops() && r.Direction != tcp.Out { // a sender leaves it to its network card
		b = append(b, `,"checksum":"bad"`...)
	}
	b = appendRest(b, r)
	if why := p.Malformed(); why != "" {
		b = appendText(append(b, `,"malformed":`...), why)
	}
	return append(b, '}', '\n')
}

func appendTCP(b []byte, r *tcp.Record) []byte {
	p := r.Packet
	b = append(b, `,"flags":"`...)
	b = append(b, p.Flags.String()...)
	b = append(b, '"')
	number := func(name string, v uint64, bit packet.Missing) {
		if !p.Missing.Has(bit) {
			b = append(append(append(b, `,"`...), name...), `":`...)
			b = strconv.AppendUint(b, v, 10)
		}
	}
	number("seq", uint64(r.Seq), packet.NoSeq)
	number("ack", uint64(r.Ack), packet.NoAck)
	number("len", uint64(p.PayloadLen), packet.NoLength)
	number("win", uint64(p.Window), packet.NoWindow)
	if p.Missing != 0 {
		b = append(b, `,"missing":[`...)
		for i, name := range p.Missing.Names() {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(append(b, '"'), name...), '"')
		}
		b = append(b, ']')
	}
	if r.Torn {
		b = append(b, `,"cut":true`...)
	}
	b = append(b, `,"stream":`...)
	b = strconv.AppendInt(b, int64(r.Conn.ID), 10)
	b = append(b, `,"analysis":`...)
	b = r.Flags.AppendJSON(b)
	if cause := r.Class.Cause(); cause != "" {
		b = append(append(append(b, `,"sent":"`...), cause...), '"')
		if r.Backoff > 0 {
			b = strconv.AppendInt(append(b, `,"backoff":`...), int64(r.Backoff), 10)
		}
	}
	if r.Class&sender.Rexmit != 0 {
		b = strconv.AppendInt(append(b, `,"rexmit":`...), int64(max(r.Resent, 1)), 10)
	}
	if r.Original != "" {
		b = append(append(append(b, `,"original":"`...), r.Original...), '"')
	}
	if r.RTT > 0 {
		b = appendSeconds(append(b, `,"rtt":`...), r.RTT)
	}
	if r.AckDelay > 0 {
		b = appendSeconds(append(b, `,"ack_delay":`...), r.AckDelay)
	}
	if r.InFlight > 0 {
		b = strconv.AppendUint(append(b, `,"in_flight":`...), uint64(r.InFlight), 10)
	}
	return b
}

// appendQuoted writes the TCP segment that an ICMP error quotes: its number as on the wire
// and, of a connection that is known, relative, its stream, and, as tshark has it, no flags
// of the analysis.
func appendQuoted(b []byte, r *tcp.Record, q *packet.Quote) []byte {
	b = appendEnd(append(b, `,"quoted":{"src":"`...), q.Src, q.SrcPort, true)
	b = appendEnd(append(b, `","dst":"`...), q.Dst, q.DstPort, true)
	b = append(b, '"')
	if q.TCP {
		b = append(append(append(b, `,"flags":"`...), q.Flags.String()...), '"')
	}
	b = strconv.AppendUint(append(b, `,"seq_raw":`...), uint64(q.Seq), 10)
	if q.TCP && r.About != nil {
		b = strconv.AppendUint(append(b, `,"seq":`...), uint64(r.Seq), 10)
	}
	b = append(b, '}')
	if r.About != nil {
		b = strconv.AppendInt(append(b, `,"stream":`...), int64(r.About.ID), 10)
	}
	return append(b, `,"analysis":[]`...)
}

// appendRest writes what few packets have.
func appendRest(b []byte, r *tcp.Record) []byte {
	if len(r.App) > 0 {
		b = append(b, `,"app":[`...)
		for i, e := range r.App {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, e.String())
		}
		b = append(b, ']')
	}
	if v := r.Reset; v != nil {
		text, err := json.Marshal(v)
		if err == nil { // it has nothing that could not be written
			b = append(append(b, `,"rst":`...), sanitize.JSON(text)...)
		}
	}
	if len(r.Notes) > 0 {
		b = append(b, `,"notes":[`...)
		for i, n := range r.Notes {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendText(b, n)
		}
		b = append(b, ']')
	}
	if r.Copy > 0 {
		b = strconv.AppendInt(append(b, `,"copy_of":`...), int64(r.Copy), 10)
	}
	if r.Fault != "" {
		b = appendText(append(b, `,"fault":`...), r.Fault)
	}
	if r.Dropped != "" {
		b = appendText(append(b, `,"dropped":`...), r.Dropped)
	}
	if r.KernelDrop != "" {
		b = appendText(append(b, `,"kernel_drop":`...), r.KernelDrop)
	}
	if r.Conntrack != "" {
		b = appendText(append(b, `,"conntrack":`...), r.Conntrack)
	}
	return b
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
	b = append(b, '"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b = append(b, '\\', byte(c))
		case c != utf8.RuneError && !sanitize.Fit(c):
			b = sanitize.AppendEscape(b, c)
		default:
			b = utf8.AppendRune(b, c)
		}
	}
	return append(b, '"')
}
