package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"netrepro/engine/capture"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// acted DIR reads every capture below a directory: matches, the ladder and JSON say the
// same of every packet, and no packet that an end acted on may be lost, dropped or refused anywhere. That an
// end did is seen from what it
// says: it acknowledges bytes that no other packet has brought, or answers a ping.
func acted(ts *testscript.TestScript, _ bool, args []string) {
	captures, packets := 0, 0
	ts.Check(filepath.WalkDir(ts.MkAbs(args[0]), func(p string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".pcapng" {
			return err
		}
		rs, err := readRecords(p)
		captures, packets = captures+1, packets+len(rs)
		for _, wrong := range actedOn(rs) {
			ts.Logf("%s: %s", p, wrong)
			err = errors.New("what an end acted on was not lost")
		}
		for _, wrong := range unlike(rs) {
			ts.Logf("%s: %s", p, wrong)
			err = errors.New("a match, the ladder and JSON say the same of a packet")
		}
		return err
	}))
	ts.Logf("%d packets of %d captures", packets, captures)
	if captures == 0 {
		ts.Fatalf("no capture below %s", args[0])
	}
}

// readRecords analyses a capture; what is found out later is in the records.
func readRecords(path string) (rs []*tcp.Record, err error) {
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	a := tcp.New(tcp.Options{})
	var in tcp.Input
	for {
		if err := s.Next(&in); errors.Is(err, io.EOF) {
			return rs, nil
		} else if err != nil {
			return nil, err
		}
		a.Describe(s.Points())
		r := &tcp.Record{}
		in.Kept, in.Packet = true, packet.Clone(in.Packet)
		a.Add(&in, r)
		rs = append(rs, r)
	}
}

// direction is one side of a connection.
type direction struct {
	conn *tcp.Conn
	side int
}

// brought is what has come to a receiver of one direction.
type brought struct {
	any  bool
	end  uint32        // of all that was sent
	good []*tcp.Record // nothing is known to have thrown it away
	bad  []*tcp.Record
	sent []*tcp.Record // retransmissions that say what became of the one before
}

// actedOn says which records claim the loss of what an end acted on.
func actedOn(rs []*tcp.Record) (wrong []string) {
	all := map[direction]*brought{}
	of := func(c *tcp.Conn, side int) *brought {
		k := direction{c, side}
		if all[k] == nil {
			all[k] = &brought{}
		}
		return all[k]
	}
	pings := map[string]*tcp.Record{}
	numbered := map[*tcp.Conn]bool{} // another number on one side than on the other
	for _, r := range rs {
		if c := r.Root(); c != nil && (strings.Contains(r.Fault, "rewritten") || strings.Contains(r.Fault, "made by")) {
			numbered[c] = true
		}
	}
	for _, r := range rs {
		p := r.Packet
		if m := p.ICMP(); m != nil && m.Quoted == nil && r.AtDestination && r.Direction == tcp.In {
			pings[fmt.Sprint(p.Src, p.Dst, string(r.Payload))] = r
			continue
		} else if m != nil && m.Quoted == nil && r.Direction == tcp.Out && r.Copy == 0 {
			if q := pings[fmt.Sprint(p.Dst, p.Src, string(r.Payload))]; q != nil && m.Is("echo-reply", p.Proto) &&
				(q.KernelDrop != "" || q.Dropped != "") {
				wrong = append(wrong,
					fmt.Sprintf("frame %d is answered in frame %d, but %q %q", q.N, r.N, q.KernelDrop, q.Dropped))
			}
			continue
		}
		if r.Conn == nil || p.Flags.Has(packet.RST) || numbered[r.Root()] {
			continue
		}
		b := of(r.Conn, r.Side)
		if end := p.Seq + p.SeqLen(); !b.any || packet.After(end, b.end) {
			b.any, b.end = true, end
		}
		switch {
		case r.Direction == tcp.In && r.AtDestination && r.KernelDrop == "" && r.Dropped == "":
			b.good = append(b.good, r)
		case r.Direction == tcp.In && (r.AtDestination || r.Dropped != "" && r.SameAs > 0):
			b.bad = append(b.bad, r)
		case r.Direction == tcp.Out && r.Copy == 0 && r.Original == "lost":
			b.sent = append(b.sent, r)
		}
		// What the receiver acknowledges it has had: by now, from these packets.
		if r.Direction != tcp.Out || r.Copy > 0 || !p.Flags.Has(packet.ACK) || r.Fault != "" {
			continue
		}
		had := of(r.Conn, 1-r.Side)
		if !had.any || packet.After(p.Ack, had.end) {
			continue // it is about another connection, which TIME-WAIT remembers
		}
		for _, x := range had.bad {
			if x.Packet.SeqLen() > 0 && covered(x, p.Ack) && !others(had.good, x) {
				wrong = append(wrong,
					fmt.Sprintf("frame %d is acknowledged in frame %d, but %q %q", x.N, r.N, x.KernelDrop, x.Dropped))
			}
		}
		for _, x := range had.sent {
			if covered(x, p.Ack) && !came(had.good, x) {
				wrong = append(wrong,
					fmt.Sprintf("frame %d says that the one before was lost, which frame %d acknowledges", x.N, r.N))
			}
		}
		had.bad, had.sent = nil, nil
	}
	return wrong
}

// covered reports whether everything of r is acknowledged by ack.
func covered(r *tcp.Record, ack uint32) bool {
	return !packet.Before(ack, r.Packet.Seq+r.Packet.SeqLen())
}

// others reports whether a packet brought a byte of r.
func others(good []*tcp.Record, r *tcp.Record) bool {
	p := r.Packet
	for _, g := range good {
		if packet.Before(g.Packet.Seq, p.Seq+p.SeqLen()) && packet.After(g.Packet.Seq+g.Packet.SeqLen(), p.Seq) {
			return true
		}
	}
	return false
}

// came reports whether r, or another copy of its bytes sent since, has arrived.
func came(good []*tcp.Record, r *tcp.Record) bool {
	for _, g := range good {
		if g.First() >= r.N && g.Packet.Seq == r.Packet.Seq {
			return true
		}
	}
	return false
}

// TestActedOn has the check find what it is for.
func TestActedOn(t *testing.T) {
	c := &tcp.Conn{}
	data := func(n, first int, dir tcp.Direction, at bool, refused, original string) *tcp.Record {
		p := &packet.Packet{Proto: packet.ProtoTCP, SrcPort: 1, DstPort: 2, Seq: 100, Ack: 1, PayloadLen: 10,
			Flags: packet.ACK}
		r := &tcp.Record{Input: tcp.Input{N: n, Packet: p, Direction: dir, KernelDrop: refused}, Conn: c,
			AtDestination: at, Original: original}
		if first != n {
			r.Copy = first
		}
		return r
	}
	ack := func(n int) *tcp.Record {
		p := &packet.Packet{Proto: packet.ProtoTCP, SrcPort: 2, DstPort: 1, Seq: 1, Ack: 110, Flags: packet.ACK}
		return &tcp.Record{Input: tcp.Input{N: n, Packet: p, Direction: tcp.Out}, Conn: c, Side: 1}
	}
	const in, out = tcp.In, tcp.Out
	for name, tt := range map[string]struct {
		rs   []*tcp.Record
		want int
	}{
		"it came": {[]*tcp.Record{data(1, 1, out, false, "", ""), data(2, 1, in, true, "", ""),
			ack(3)}, 0},
		"refused and acknowledged": {[]*tcp.Record{data(1, 1, out, false, "", ""),
			data(2, 1, in, true, "NO_SOCKET", ""), ack(3)}, 1},
		"refused, and sent again": {[]*tcp.Record{data(1, 1, out, false, "", ""), data(2, 1, in, true, "X", ""),
			data(3, 3, out, false, "", "lost"), data(4, 3, in, true, "", ""), ack(5)}, 0},
		"lost, but it came": {[]*tcp.Record{data(1, 1, out, false, "", ""),
			data(3, 3, out, false, "", "lost"), data(2, 1, in, true, "", ""), ack(5)}, 1},
		"lost, and the next came": {[]*tcp.Record{data(1, 1, out, false, "", ""),
			data(3, 3, out, false, "", "lost"), data(4, 3, in, true, "", ""), ack(5)}, 0},
		"refused and never mentioned": {[]*tcp.Record{data(1, 1, out, false, "", ""), data(2, 1, in, true, "X", "")},
			0},
	} {
		if got := actedOn(tt.rs); len(got) != tt.want {
			t.Errorf("%s: %v, want %d", name, got, tt.want)
		}
	}
}
