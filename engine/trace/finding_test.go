package trace

import (
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
)

// slow is a kernel that says something of the packet n once the clock is at so
// much. The clock goes on only while it is waited for.
type slow struct {
	now, stalled time.Duration
	at           time.Duration
	n            int
	word         Word
	mute         bool
	taken        int
	said         bool
	waited       time.Duration
}

func (s *slow) Hear(fresh []*Packet, wait time.Duration) (changed int) {
	if !s.said && s.now+wait >= s.at {
		s.said = true
		wait = max(s.at-s.now, 0)
		if s.n <= s.taken {
			changed = s.n
		}
	}
	s.waited += wait
	s.now += wait
	s.taken += len(fresh)
	return changed
}

func (s *slow) Word(p *Packet) Word {
	if s.said && p.N == s.n {
		w := s.word
		w.Asked = !s.mute
		return w
	}
	return Word{Asked: !s.mute}
}

func TestLateWord(t *testing.T) {
	closed := &reset.Kernel{Reason: "TCP_ABORT_ON_CLOSE"}
	rstAck := step{ms, 's', packet.RST | packet.ACK, 1, 1, 0, false}
	sentBy := func(kind reset.Kind, waited time.Duration) func(*testing.T, *slow, *tcp.Record) {
		return func(t *testing.T, s *slow, r *tcp.Record) {
			if r.Reset.Kind != kind || s.waited != waited {
				t.Errorf("%v after waiting for %s, want %s after %s", r.Reset, s.waited, kind, waited)
			}
		}
	}
	for _, tt := range []struct {
		name  string
		word  slow // at is counted from the last packet
		last  step
		check func(*testing.T, *slow, *tcp.Record)
	}{
		{"a socket that is closed", slow{at: 100 * ms, word: Word{Reset: closed}}, rstAck,
			sentBy(reset.Active, 100*ms)},
		{"who says nothing did not send it", slow{at: time.Hour}, rstAck, sentBy(reset.Forged, Late)},
		{"a host that was stalled is waited for", slow{at: 600 * ms, stalled: 500 * ms, word: Word{Reset: closed}},
			rstAck, sentBy(reset.Active, 600*ms)},
		{"a kernel that tells of no resets", slow{at: time.Hour, mute: true}, rstAck, sentBy(reset.Active, 0)},
		{"no socket: said before the packet is on its way", slow{at: time.Hour},
			step{ms, 's', packet.RST, 1, 0, 0, false}, sentBy(reset.Firewall, 0)},
		{"refused, heard of late", slow{at: 10 * ms, word: Word{KernelDrop: "NO_SOCKET"}},
			step{ms, 'c', fPA, 1, 1, 10, false},
			func(t *testing.T, s *slow, r *tcp.Record) {
				if r.KernelDrop != "NO_SOCKET" {
					t.Errorf("refused %q", r.KernelDrop)
				}
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, s := newWire(), tt.word
			for _, g := range append(append([]step(nil), handshake...), step{ms, 'c', fPA, 1, 1, 10, false}) {
				w.send(g)
			}
			_ = w.Findings() // what is known of these is known before the last
			p := w.send(tt.last)
			w.Now = func() time.Duration { return s.now }
			w.Stalled = func(time.Duration) time.Duration { return s.stalled }
			s.now, s.n = p.Time, p.N
			if tt.word.word.KernelDrop != "" {
				s.n++ // where it arrived
			}
			s.at += p.Time
			w.Ask(&s)
			r := w.Findings()[s.n-1]
			if s.now < s.at && s.word != (Word{}) { // not heard yet
				if r.KernelDrop != "" {
					t.Fatal("it was said too early")
				}
				s.now = s.at
				r = w.Findings()[s.n-1]
			}
			tt.check(t, &s, r)
		})
	}
}
