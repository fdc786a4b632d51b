package trace

import (
	"testing"
	"time"

	"netrepro/engine/analysis"
	"netrepro/engine/packet"
	"netrepro/engine/reset"
)

// slow is a kernel that has its say only once it is waited for, or asked again.
type slow struct {
	said    bool
	waited  time.Duration
	reset   *reset.Kernel
	refused string
	timer   string
}

func (s *slow) Refresh(wait time.Duration) int {
	if wait > 0 {
		s.waited, s.said = wait, true
	}
	if s.said {
		return 1
	}
	return 0
}

func (s *slow) Reset(*Packet) (*reset.Kernel, bool) {
	if s.said {
		return s.reset, true
	}
	return nil, true
}

func (s *slow) Refused(*Packet) string {
	if s.said {
		return s.refused
	}
	return ""
}

func (s *slow) Timer(*Packet) string {
	if s.said {
		return s.timer
	}
	return ""
}

// TestLateWord has kernels speak when their packet has long been recorded.
func TestLateWord(t *testing.T) {
	closed := &reset.Kernel{Reason: "TCP_ABORT_ON_CLOSE"}
	tests := []struct {
		name  string
		word  slow
		last  step
		check func(t *testing.T, w *wire, s *slow, p *Packet)
	}{
		{"a socket that is closed", slow{reset: closed}, step{ms, 's', packet.RST | packet.ACK, 1, 1, 0, false}, func(t *testing.T, w *wire, s *slow, p *Packet) {
			v := p.Finding().Reset
			if v.Kernel != closed || v.Kind != reset.Active || v.Cause != reset.Unread {
				t.Errorf("got %v, want the kernel's word", v)
			}
			if s.waited <= 0 || s.waited > Late {
				t.Errorf("waited for up to %s, want something up to %s", s.waited, Late)
			}
		}},
		{"no socket", slow{reset: closed}, step{ms, 's', packet.RST, 1, 0, 0, false}, func(t *testing.T, w *wire, s *slow, p *Packet) {
			// The kernel says this before the packet is on its way.
			if v := p.Finding().Reset; v.Kernel != nil || s.waited != 0 {
				t.Errorf("got %v after a wait of %s, want none", v, s.waited)
			}
		}},
		{"not refused yet", slow{refused: "NO_SOCKET"}, step{ms, 'c', fPA, 1, 1, 10, false}, func(t *testing.T, w *wire, s *slow, p *Packet) {
			before := w.Findings()
			at := len(before) - 1
			if before[at].Refused != "" {
				t.Fatalf("refused for %q before it was said", before[at].Refused)
			}
			s.said = true
			w.Start = w.Start.Add(-again) // it is not asked at once
			if got := w.Findings()[at].Refused; got != "NO_SOCKET" {
				t.Errorf("got %q, want what was said since", got)
			}
		}},
		{"sent again for no reason yet", slow{timer: "tcp_retransmit_timer"}, step{300 * ms, 'c', fPA, 1, 1, 10, false}, func(t *testing.T, w *wire, s *slow, p *Packet) {
			resent := w.send(step{300 * ms, 'c', fPA, 1, 1, 10, false})
			if !resent.Is(analysis.Rexmit) {
				t.Fatal("it is no retransmission")
			}
			if got := resent.Finding().Timer; got != "" {
				t.Fatalf("timer %q before it was said", got)
			}
			s.said = true
			w.Start = w.Start.Add(-again)
			if got := resent.Finding().Timer; got != "tcp_retransmit_timer" {
				t.Errorf("got %q, want what was said since", got)
			}
		}},
		{"too late", slow{refused: "NO_SOCKET"}, step{ms, 'c', fPA, 1, 1, 10, false}, func(t *testing.T, w *wire, s *slow, p *Packet) {
			at := len(w.Findings()) - 1
			w.Start = time.Now().Add(-time.Hour)
			w.Findings()
			s.said = true
			if got := w.Findings()[at].Refused; got != "" {
				t.Errorf("got %q, want nothing of an hour later", got)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWire()
			w.Start = time.Now().Add(time.Hour) // so that it is never too late
			s := tt.word
			w.Ask(&s)
			for _, g := range handshake {
				w.send(g)
			}
			if tt.word.reset != nil {
				w.Start = time.Now()
			}
			tt.check(t, w, &s, w.send(tt.last))
		})
	}
}
