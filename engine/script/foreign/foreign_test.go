package foreign

import (
	"strings"
	"testing"
)

// TestKey finds what a key is called here, where the table takes it.
func TestKey(t *testing.T) {
	wire := strings.Fields("name mtu loss vlan trunk direct delay jitter rate queue")
	rule := strings.Fields("out fwd in to from tcp udp sport icmp flags iif oif ct mark size every rate over name optional")
	fault := strings.Fields("nth every times chance after before where name optional from to tcp udp port sport dport seq ack len " +
		"src dst ttl proto payload win ip_id flags")
	for _, tt := range []struct {
		key   string
		known []string
		want  string
	}{
		{"bw", wire, `write rate = "10Mbit"`}, {"max_queue_size", wire, `write queue = "100 packets"`},
		{"latency", wire, `write delay = "20ms"`}, {"packet-loss", wire, `write loss = "1%"`},
		{"dport", rule, "write tcp = 80, or udp = 53"}, {"chain", rule, "fwd = true"}, {"jump", rule, "is the verb"},
		{"nth", rule, "net.WIRE:drop { nth = 3 }"}, {"limit", rule, "10/second"}, {"protocol", rule, "write tcp = true"},
		{"protocol", fault, "write proto ="}, {"probability", fault, `write chance = "1%"`}, {"length", fault, "write len"},
		{"dst_port", fault, "write dport = 80"}, {"count", fault, "write nth = 3"}, {"bw", fault, ""}, {"nonsense", fault, ""},
	} {
		if got := Key(tt.key, tt.known); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%q of %v: %q, want %q", tt.key, tt.known[:3], got, tt.want)
		}
	}
}

// TestVerb finds verbs of expectations of others.
func TestVerb(t *testing.T) {
	known := strings.Fields("equals differs_from less_than more_than at_least is_nil is_true matches")
	for verb, want := range map[string]string{"toBe": "equals", "lt": "less_than", "contains": "matches", "gte": "at_least",
		"toBeNull": "is_nil", "nonsense": "", "never": ""} {
		if got := Verb(verb, known); got != want {
			t.Errorf("%q is %q, want %q", verb, got, want)
		}
	}
}

// TestName has a hint for names of other languages.
func TestName(t *testing.T) {
	for name, want := range map[string]string{"null": "nil", "None": "nil", "True": "true", "os": "net.client:run", "net": "parameter of run",
		"console": "print", "try": "pcall", "switch": "if", "describe": "scenario", "nonsense": ""} {
		if got := Name(name); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
}
