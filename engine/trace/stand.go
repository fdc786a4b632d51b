package trace

import (
	"net/netip"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// Ends names one connection by its two addresses, in either order.
type Ends struct{ A, B netip.AddrPort }

// Has reports whether p is of the connection.
func (e *Ends) Has(p *packet.Packet) bool {
	s, d := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	return s == e.A && d == e.B || s == e.B && d == e.A
}

// Stand is where one direction of a TCP connection stands, as seen at some
// capture points. Numbers are those on the wire.
type Stand struct {
	Conn  *tcp.Conn
	First uint32 // initial sequence number
	// Next follows the highest sequence number that the side has sent,
	// Arrived the highest that has arrived at one of the points.
	Next, Arrived uint32
	Acked         uint32 // the highest number it has acknowledged
	Window        uint32 // what it last advertised, in bytes
	RawWindow     uint16
	HasTS         bool
	TSVal, TSEcr  uint32
	Last          *Packet // the last it sent
	LastArrived   *Packet // the last of it that arrived at one of the points
}

// Stands tells where both directions of the newest connection between two
// addresses stand, first that of what comes from a; ok is false if a has not
// sent anything. at says which capture points count; nil is all.
func (t *Trace) Stands(e *Ends, a netip.AddrPort, at func(*Point) bool) (mine, other Stand, ok bool) {
	var conn *tcp.Conn
	var shift [2]int8
	shift[0], shift[1] = -1, -1
	var s [2]Stand
	for _, p := range t.Packets() {
		if !p.IsTCP() || !e.Has(&p.Packet) || at != nil && !at(p.Point) {
			continue
		}
		if p.Conn != conn && p.Conn != nil {
			if conn != nil && p.Conn.ID < conn.ID {
				continue
			}
			conn, s, shift = p.Conn, [2]Stand{}, [2]int8{-1, -1}
		}
		side := 1
		if netip.AddrPortFrom(p.Src, p.SrcPort) == a {
			side = 0
		}
		s[side].take(p, &shift[side])
	}
	if conn == nil || s[0].Last == nil {
		return s[0], s[1], false
	}
	// Windows are scaled once both sides have offered to (RFC 7323, section 2.2).
	if shift[0] >= 0 && shift[1] >= 0 {
		for i := range s {
			if l := s[i].Last; l != nil && !l.Flags.Has(packet.SYN) {
				s[i].Window <<= shift[i]
			}
		}
	}
	for i := range s {
		s[i].Conn = conn
	}
	return s[0], s[1], true
}

// take goes on with a packet of the side.
func (s *Stand) take(p *Packet, shift *int8) {
	end := p.Seq + p.SeqLen()
	if p.Dir == In {
		forged := p.Sent == nil && s.Last != nil
		switch {
		case p.Dropped != "":
		case forged: // the receiver took it only if it came in order
			if p.PayloadLen > 0 && p.Seq == s.Arrived {
				s.Arrived = end
			}
		default:
			if s.LastArrived == nil || packet.After(end, s.Arrived) {
				s.Arrived = end
			}
			s.LastArrived = p
		}
		if p.Sent != nil || forged {
			return // it was taken where it left, or is not the side's
		}
	}
	if s.Last == nil {
		s.First, s.Next, s.Acked = p.Seq, end, p.Ack
	}
	if p.Flags.Has(packet.SYN) {
		s.First, *shift = p.Seq, p.WScale
	}
	if packet.After(end, s.Next) && !p.Flags.Has(packet.RST) {
		s.Next = end
	}
	if p.Flags.Has(packet.ACK) && packet.After(p.Ack, s.Acked) || !s.Last.acks() {
		s.Acked = p.Ack
	}
	s.Window, s.RawWindow = uint32(p.Window), p.Window
	if p.HasTS {
		s.HasTS, s.TSVal, s.TSEcr = true, p.TSVal, p.TSEcr
	}
	s.Last = p
}

func (p *Packet) acks() bool { return p != nil && p.Flags.Has(packet.ACK) }

// Relative is a number of the side, counted from its initial sequence number.
func (s *Stand) Relative(n uint32) uint32 { return n - s.First }
