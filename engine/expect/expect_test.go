package expect

import (
	"strings"
	"testing"
	"time"

	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/testutil/exchange"
	"netrepro/engine/trace"
)

const ms = time.Millisecond

// meant is a match written as a text, of which the test is sure.
func meant(text string) match.Match {
	m, err := match.Parse(text, nil)
	if err != nil {
		panic(err)
	}
	return m
}

func TestSequence(t *testing.T) {
	from := func(who, k string) match.Match { return meant("tcp="+k).With("from", exchange.Parties[who]) }
	once := Count{Min: 1}
	tests := []struct {
		name  string
		rows  []Row
		want  bool
		timed bool
	}{
		{"in order, others between", []Row{{Match: from("client", "syn"), Times: once},
			{Match: from("server", "rst"), Times: once}}, true, false},
		{"out of order", []Row{{Match: from("server", "rst"), Times: once},
			{Match: from("client", "syn"), Times: once}}, false, false},
		{"twice", []Row{{Match: from("server", "data"), Times: Count{2, false}},
			{Match: from("server", "rst"), Times: once}}, true, false},
		{"three of two", []Row{{Match: from("server", "data"), Times: Count{3, true}}}, false, false},
		{"within", []Row{{Match: from("server", "data"), Times: once},
			{Match: from("server", "rst"), Times: once, Within: 100 * ms}}, true, false},
		{"a later start is in time", []Row{{Match: from("server", "data"), Times: once},
			{Match: from("server", "rst"), Times: once, Within: 55 * ms}}, true, false},
		{"too late", []Row{{Match: from("server", "data"), Times: once},
			{Match: from("server", "rst"), Times: once, Within: 50 * ms}}, false, true},
	}
	for _, tt := range tests {
		if o := (Sequence{tt.rows}).Judge(exchange.Resets()); o.Pass != tt.want || o.Timed != tt.timed {
			t.Errorf("%s: pass %t, timed %t: %s", tt.name, o.Pass, o.Timed, o.Message())
		}
	}
}

// TestNearly shows the reset that differs in one respect from what is expected, and what it is.
func TestNearly(t *testing.T) {
	want := meant("tcp=rst").With("from", exchange.Parties["server"]).With("rst", &value.Reset{Cause: "keepalive"})
	o := Includes{want, Count{1, true}}.Judge(exchange.Resets())
	if o.Pass || len(o.Packets) == 0 || !strings.Contains(strings.Join(o.Packets, "\n"), "<- all but rst") {
		t.Errorf("%s\n%s", o.Message(), strings.Join(o.Packets, "\n"))
	}
}

func TestCounts(t *testing.T) {
	data := meant("tcp=data")
	tests := []struct {
		name string
		spec Spec
		want bool
		says string
	}{
		{"includes", Includes{data, Count{1, true}}, true, "saw 3"},
		{"includes none", Includes{meant("tcp=fin"), Count{1, true}}, false, "saw none"},
		{"exactly", Includes{data, Count{3, false}}, true, ""},
		{"not exactly", Includes{data, Count{2, false}}, false, "2 times, saw 3"},
		{"never", Never{meant("tcp=fin")}, true, "none in 7 packets"},
		{"not never", Never{data}, false, "saw 3"},
		{"every", Every{meant("tcp=syn"), meant("sport=40000")}, true, "all 1"},
		{"not every", Every{data, match.Of(map[string]any{"from": exchange.Parties["client"]})}, false, "2 of 3 without"},
		{"every of none", Every{meant("tcp=fin"), match.Match{}}, false, "no such packet"},
	}
	for _, tt := range tests {
		if o := tt.spec.Judge(exchange.Resets()); o.Pass != tt.want || !strings.Contains(o.Message(), tt.says) {
			t.Errorf("%s: pass %t: %s", tt.name, o.Pass, o.Message())
		}
	}
}

func TestRetransmits(t *testing.T) {
	// What a path-MTU black hole looks like: one repair, then timeouts.
	hole := func(gaps ...int) *trace.View {
		again := exchange.Line{From: "server", Flags: packet.ACK, Seq: 1, Ack: 1, Len: 1448}
		repair := again
		repair.At = 5 * ms
		lines := []exchange.Line{again, repair}
		at := 5 * ms
		for _, g := range gaps {
			at += time.Duration(g) * ms
			again.At = at
			lines = append(lines, again)
		}
		return exchange.View(lines...)
	}
	again := meant("seq=1 len=1448")
	tests := []struct {
		name string
		view *trace.View
		spec Retransmits
		want bool
	}{
		{"doubling", hole(207, 436, 832, 1664), Retransmits{again, Count{4, true}, true}, true},
		{"not doubling", hole(207, 436, 460, 480), Retransmits{again, Count{4, true}, true}, false},
		{"too few timeouts to tell", hole(207, 436), Retransmits{again, Count{1, true}, true}, false},
		{"too few", hole(207, 436), Retransmits{again, Count{4, true}, false}, false},
		{"counted", hole(207, 436), Retransmits{again, Count{3, false}, false}, true},
	}
	for _, tt := range tests {
		if o := tt.spec.Judge(tt.view); o.Pass != tt.want {
			t.Errorf("%s: pass %t: %s\n%s", tt.name, o.Pass, o.Message(), strings.Join(o.Packets, "\n"))
		}
	}
}

func TestParseCount(t *testing.T) {
	for text, want := range map[string]Count{"3": {3, false}, ">= 3": {3, true}, ">=0": {0, true}} {
		if c, err := ParseCount(text); err != nil || c != want {
			t.Errorf("%q: got %v, %v", text, c, err)
		}
	}
	for _, text := range []string{"", "x", "-1", "> 3", "3.5"} {
		if c, err := ParseCount(text); err == nil {
			t.Errorf("%q: got %v", text, c)
		}
	}
}
