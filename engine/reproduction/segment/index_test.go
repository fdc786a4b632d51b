package segment

import (
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// say is a segment of a side that was sent and came at those milliseconds.
func say(side int, sent, arrived int, seq, end, ack uint32) *Segment {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	r := &tcp.Record{Input: tcp.Input{Packet: &packet.Packet{Flags: packet.ACK, PayloadLen: int32(end - seq)}}}
	r.Side, r.Seq, r.Ack = side, seq, ack
	return &Segment{Record: r, End: end, Sent: ms(sent), Arrived: ms(arrived)}
}

// TestIndex asks what was asked of all segments before, and again after one was lost.
func TestIndex(t *testing.T) {
	late := say(1, 3, 9, 1, 1, 20)
	f := &Flow{Segs: []*Segment{
		say(0, 1, 2, 1, 11, 1), say(0, 1, 6, 11, 21, 1), say(0, 2, 3, 21, 31, 1),
		late, say(1, 4, 5, 1, 1, 11), say(1, 7, 8, 1, 1, 31),
	}}
	arrives := func(seq uint32, want int) {
		t.Helper()
		if got := f.Arrival(1, seq); got != time.Duration(want)*time.Millisecond {
			t.Errorf("all before %d was there after %s, want %d ms", seq, got, want)
		}
	}
	acknowledged := func(at int, upto uint32, since int) {
		t.Helper()
		n, d := f.Acknowledged(0, time.Duration(at)*time.Millisecond)
		if n != upto || d != time.Duration(since)*time.Millisecond {
			t.Errorf("after %d ms %d was acknowledged since %s, want %d since %d ms", at, n, d, upto, since)
		}
	}
	arrives(1, 0)
	arrives(11, 2)
	arrives(12, 6)
	arrives(99, 6)
	acknowledged(4, 0, 0)
	acknowledged(5, 11, 5)
	acknowledged(8, 31, 8)
	acknowledged(1000, 31, 8)
	if got := f.Most(1); got != 31 || len(f.Of(0)) != 3 || f.Most(0) != 1 {
		t.Errorf("most %d and %d, %d segments", got, f.Most(0), len(f.Of(0)))
	}
	f.Lose(f.Segs[5], true)
	acknowledged(8, 11, 5)
	acknowledged(9, 20, 9)
	f.Lose(f.Segs[1], true)
	arrives(99, 3)
	f.Lose(late, true)
	acknowledged(9, 11, 5)
}
