package read_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/read"
)

// conversation is the text of a capture: a line a packet.
type conversation struct {
	b  strings.Builder
	at time.Duration
}

// options of a SYN.
const options = ", options [mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7]"

// say adds a packet, so long after the one before.
func (c *conversation) say(gap time.Duration, client bool, flags string, seq, end, ack int, rest string) {
	c.at += gap
	from, to := "192.0.2.1.40001", "198.51.100.2.80"
	isn := 1000
	if !client {
		from, to, isn = to, from, 5000
	}
	fmt.Fprintf(&c.b, "10:00:%09.6f IP %s > %s: Flags [%s]", c.at.Seconds(), from, to, flags)
	if end > seq || strings.ContainsAny(flags, "SFR") {
		fmt.Fprintf(&c.b, ", seq %d", isn+seq)
		if end > seq {
			fmt.Fprintf(&c.b, ":%d", isn+end)
		}
	}
	if strings.Contains(flags, ".") {
		fmt.Fprintf(&c.b, ", ack %d", 6000-isn+ack)
	}
	if !strings.Contains(rest, "win") {
		rest = ", win 500" + rest
	}
	fmt.Fprintf(&c.b, "%s, length %d\n", rest, end-seq)
}

// opens adds a handshake of a round trip, as the client sees it.
func (c *conversation) opens(rtt time.Duration) *conversation {
	c.say(0, true, "S", 0, 0, 0, options)
	c.say(rtt, false, "S.", 0, 0, 1, options)
	c.say(10*time.Microsecond, true, ".", 1, 1, 1, "")
	return c
}

func (c *conversation) read(t *testing.T, o read.Options) *reproduction.Incident {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.txt")
	if err := os.WriteFile(path, []byte(c.b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	inc, err := read.File(t.Context(), path, o)
	if err != nil {
		t.Fatalf("%v\n%s", err, c.b.String())
	}
	return inc
}

const ms = time.Millisecond

// kinds are the steps of a side.
func kinds(f *reproduction.Flow, side int) (out []string) {
	for _, s := range f.Steps[side] {
		text := string(s.Kind)
		if s.Bytes > 0 {
			text += fmt.Sprint(" ", s.Bytes)
		}
		out = append(out, text)
	}
	return out
}

func TestInference(t *testing.T) {
	for _, tt := range []struct {
		name  string
		talk  func(c *conversation)
		check func(inc *reproduction.Incident, f *reproduction.Flow) bool
	}{
		{"a request and an answer", func(c *conversation) {
			c.opens(20*ms).say(50*ms, true, "P.", 1, 101, 1, "")
			c.say(60*ms, false, "P.", 1, 301, 101, "")
			c.say(ms, true, ".", 101, 101, 301, "")
			c.say(ms, true, "F.", 101, 101, 301, "")
			c.say(20*ms, false, "F.", 301, 301, 102, "")
			c.say(ms, true, ".", 102, 102, 302, "")
		}, func(inc *reproduction.Incident, f *reproduction.Flow) bool {
			return inc.Vantage == reproduction.AtClient && inc.Delay > 8*ms && inc.Delay < 11*ms &&
				inc.MTU == [2]int{1500, 1500} &&
				slices.Equal(kinds(f, reproduction.Client), []string{"write 100", "take 300", "close"}) &&
				slices.Equal(kinds(f, reproduction.Server), []string{"take 100", "write 300", "end", "close"}) &&
				f.Steps[reproduction.Client][0].Pause == 50*ms && f.Steps[reproduction.Server][1].Pause == 40*ms &&
				f.Bytes == [2]int{100, 300} && len(f.Losses) == 0
		}},
		{"nobody listens", func(c *conversation) {
			c.say(0, true, "S", 0, 0, 0, options)
			c.say(10*ms, false, "R.", -5000, -5000, 1, ", win 0")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			return f.Opening == reproduction.Refused && len(f.Resets) == 1 && f.Resets[0].Cause == "closed-port"
		}},
		{"no answer", func(c *conversation) {
			for range 3 {
				c.say(time.Second, true, "S", 0, 0, 0, options)
			}
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			return f.Opening == reproduction.Silent && f.Attempts == 3 && len(f.Losses) == 1 && f.Losses[0].TCP == "syn"
		}},
		{"a segment that is sent again", func(c *conversation) {
			c.opens(20*ms).say(ms, true, "P.", 1, 101, 1, "")
			c.say(250*ms, true, "P.", 1, 101, 1, "")
			c.say(20*ms, false, ".", 1, 1, 101, "")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			lost := reproduction.Loss{Side: reproduction.Client, TCP: "any", Seq: 1, Ack: -1, Nth: 1, Times: 1}
			return slices.Equal(f.Losses, []reproduction.Loss{lost}) &&
				len(f.Resent) == 1 && f.Resent[0].Timeout
		}},
		{"a hole that is filled", func(c *conversation) {
			c.opens(20*ms).say(ms, true, "P.", 1, 11, 1, "")
			c.say(21*ms, false, ".", 1, 1001, 11, "")
			c.say(ms, false, "P.", 2001, 3001, 11, "")
			c.say(ms, true, ".", 11, 11, 1001, "")
			c.say(25*ms, false, ".", 1001, 2001, 11, "")
			c.say(ms, true, ".", 11, 11, 3001, "")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			return slices.ContainsFunc(f.Losses, func(l reproduction.Loss) bool {
				return l.Side == reproduction.Server && l.Seq == 1001
			})
		}},
		{"a window that closes", func(c *conversation) {
			c.opens(ms).say(ms, false, "P.", 1, 1001, 1, "")
			c.say(ms, true, ".", 1, 1, 1001, ", win 0")
			c.say(700*ms, true, ".", 1, 1, 1001, ", win 400")
			c.say(ms, false, "P.", 1001, 1101, 1, "")
			c.say(ms, true, ".", 1, 1, 1101, "")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			return f.Window[reproduction.Client] > 0 && f.Steps[reproduction.Client][0].Pause == 700*ms
		}},
		{"a close with a reset", func(c *conversation) {
			c.opens(ms).say(ms, true, "P.", 1, 101, 1, "")
			c.say(2*ms, false, ".", 1, 1, 101, "")
			c.say(5*ms, false, "R.", 1, 1, 101, "")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			s := f.Steps[reproduction.Server]
			return len(s) > 0 && s[len(s)-1].Cause && len(f.Resets) == 1 && f.Resets[0].Kind == "active"
		}},
		{"large segments that vanish", func(c *conversation) {
			c.opens(20*ms).say(ms, true, "P.", 1, 101, 1, "")
			c.say(20*ms, false, ".", 1, 1, 101, "")
			for range 5 {
				c.say(400*ms, true, ".", 101, 1549, 1, "")
			}
		}, func(inc *reproduction.Incident, f *reproduction.Flow) bool {
			return inc.Narrow != nil && inc.Narrow.Guess && inc.Narrow.Said == reproduction.Unsaid &&
				inc.Narrow.Side == reproduction.Client && inc.Narrow.MTU == 1400 && len(f.Losses) == 0
		}},
		{"a keep-alive", func(c *conversation) {
			c.opens(ms).say(ms, true, "P.", 1, 11, 1, "")
			c.say(ms, false, ".", 1, 1, 11, "")
			c.say(9*time.Second, true, ".", 10, 10, 1, ", seq 1010")
		}, func(_ *reproduction.Incident,
			f *reproduction.Flow) bool {
			return f.KeepAlive[reproduction.Server].Idle == 0
		}},
		{"a long pause", func(c *conversation) {
			c.opens(ms).say(30*time.Second, true, "P.", 1, 11, 1, "")
			c.say(ms, false, ".", 1, 1, 11, "")
		}, func(_ *reproduction.Incident, f *reproduction.Flow) bool {
			s := f.Steps[reproduction.Client][0]
			return s.Pause == 2*time.Second && s.Was == 30*time.Second
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &conversation{}
			tt.talk(c)
			inc := c.read(t, read.Options{Flow: -1})
			if len(inc.Flows) != 1 || !tt.check(inc, inc.Flows[0]) {
				t.Errorf("%+v\n%+v\n%s", inc, inc.Flows[0], c.b.String())
			}
		})
	}
}

// TestChoice says of captures without a connection what they have, and of numbers that there
// are none.
func TestChoice(t *testing.T) {
	dir := t.TempDir()
	udp := filepath.Join(dir, "udp.txt")
	text := "10:00:00.000000 IP 192.0.2.1.53 > 192.0.2.2.5353: UDP, length 20\n"
	if err := os.WriteFile(udp, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := read.File(t.Context(), udp, read.Options{Flow: -1})
	if !errors.Is(err, read.ErrNone) || !strings.Contains(err.Error(), "UDP (1)") {
		t.Errorf("got %v", err)
	}
	c := (&conversation{}).opens(ms)
	path := filepath.Join(dir, "c.txt")
	if err := os.WriteFile(path, []byte(c.b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = read.File(t.Context(), path, read.Options{Flow: 9})
	if err == nil || !strings.Contains(err.Error(), "no flow 9") {
		t.Errorf("got %v", err)
	}
}

// TestTwice reads a capture that has every packet twice, as a mirror port makes it: nothing is lost
// in it, and nothing sent again.
func TestTwice(t *testing.T) {
	c := (&conversation{}).opens(20 * time.Millisecond)
	c.say(time.Millisecond, true, "P.", 1, 101, 1, "")
	c.say(20*time.Millisecond, false, ".", 1, 1449, 101, "")
	c.say(0, false, ".", 1449, 2897, 101, "")
	c.say(10*time.Microsecond, true, ".", 101, 101, 2897, "")
	for i, line := range slices.Collect(strings.Lines(c.b.String())) {
		if i == 0 {
			c.b.Reset()
		}
		c.b.WriteString(line + line)
	}
	f := c.read(t, read.Options{Flow: -1}).Flows[0]
	if len(f.Losses) > 0 || len(f.Resent) > 0 {
		t.Errorf("lost %v, sent again %v", f.Losses, f.Resent)
	}
}
