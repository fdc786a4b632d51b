package value

import (
	"errors"
	"testing"

	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
)

// TestRead holds every kind to what it reads, and to how that is written.
func TestRead(t *testing.T) {
	mss, df := OfField(field.Named("mss")), OfField(field.Named("df"))
	src, mac := OfField(field.Named("src")), OfField(field.Named("src_mac"))
	word := Words("fate", "lost", "arrived")
	for _, tt := range []struct {
		name string
		kind *Kind
		in   any
		want string // as it is written; empty if it is refused
	}{
		{"a number of bytes", KindRange, 18.0, "18"}, {"a range", KindRange, "1..5", `"1..5"`},
		{"no upper bound", KindRange, ">=3", `">= 3"`},
		{"a range turned round", KindRange, "5..1", ""}, {"half a byte", KindRange, 1.5, ""},
		{"below zero", KindRange, -1.0, ""}, {"no range", KindRange, true, ""},
		{"a relative number", KindNumber, "7", "7"}, {"beyond 32 bits", KindNumber, 1 << 32, ""},
		{"the last of 32 bits", KindNumber, float64(1<<32 - 1), "4294967295"},
		{"a port", KindPort, 443.0, "443"}, {"no port", KindPort, 0.0, ""},
		{"beyond the last port", KindPort, "65536", ""},
		{"true", KindBool, "true", "true"}, {"neither", KindBool, "yes", ""}, {"only true", KindTrue, false, ""},
		{"a text", KindText, "x", `"x"`}, {"no text", KindText, "", ""},
		{"flags in any order", KindFlags, ".P", `"P."`}, {"no flags", KindFlags, "none", `"none"`},
		{"no such flag", KindFlags, "Q", ""},
		{"one of the words", word, "lost", `"lost"`}, {"another word", word, "found", ""},
		{"an address", KindParty, "192.0.2.1", "192.0.2.1"}, {"a name that nobody knows", KindParty, "host", ""},
		{"a field", mss, 1460.0, "mss = 1460"}, {"an option that is not there", mss, false, "mss = false"},
		{"beyond its bits", mss, 70000.0, ""},
		{"a bit", df, true, "df = true"}, {"no bit", df, 1.0, ""},
		{"a prefix", src, "192.0.2.7/24", `src = "192.0.2.0/24"`},
		{"one address", src, "2001:db8::1", `src = "2001:db8::1"`}, {"a zone", src, "fe80::1%eth0", ""},
		{"a MAC address", mac, "02:00:00:00:01:01", `src_mac = "02:00:00:00:01:01"`},
		{"a long MAC address", mac, "02:00:00:00:01:01:02:02", ""}, {"what only a script has", KindEnds, "x", ""},
	} {
		v, err := tt.kind.Read(tt.in)
		var wrong *Wrong
		if tt.want == "" {
			if !errors.As(err, &wrong) || wrong.Want == "" || wrong.Hint == "" {
				t.Errorf("%s: %v is %v, %v", tt.name, tt.in, v, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		var got string
		if f, ok := v.(Field); ok {
			got = f.String()
		} else {
			got = tt.kind.Write(v)
		}
		if got != tt.want {
			t.Errorf("%s: %v is written %s, want %s", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestHas(t *testing.T) {
	for _, tt := range []struct {
		r    Range
		n    int
		want bool
	}{{Range{1, 5}, 1, true}, {Range{1, 5}, 5, true}, {Range{1, 5}, 6, false}, {Range{3, -1}, 1 << 30, true},
		{Range{3, -1}, 2, false}} {
		if got := tt.r.Has(tt.n); got != tt.want {
			t.Errorf("%s has %d: %t", tt.r, tt.n, got)
		}
	}
}

// TestProtocols holds the names to the numbers that packets have.
func TestProtocols(t *testing.T) {
	proto := OfField(field.Named("proto"))
	for name, n := range map[string]int{"tcp": packet.ProtoTCP, "udp": packet.ProtoUDP, "icmp": packet.ProtoICMP,
		"icmpv6": packet.ProtoICMPv6} {
		v, err := proto.Read(name)
		if err != nil || v.(Field).Range != (Range{n, n}) {
			t.Errorf("%s is %v, %v", name, v, err)
		}
	}
}
