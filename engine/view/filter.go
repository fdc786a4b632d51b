package view

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/wireshark"
)

// Filter says which packets are shown.
type Filter struct {
	terms []func(*tcp.Record) bool
}

// Match reports whether r is shown.
func (f *Filter) Match(r *tcp.Record) bool {
	for _, t := range f.terms {
		if !t(r) {
			return false
		}
	}
	return true
}

// filterKeys are what a filter can ask for, with what is to be said of each.
var filterKeys = map[string]struct {
	doc   string
	parse func(v string, names Names) (func(*tcp.Record) bool, error)
}{
	"host":     {"an address or a host's name, either end", hostTerm},
	"port":     {"a port, either end", portTerm},
	"flow":     {"the number of a connection", flowTerm},
	"frame":    {"a frame number, or a range 10..20", frameTerm},
	"flags":    {"exactly these TCP flags, as tcpdump writes them", flagsTerm},
	"sent":     {"rexmit, or why it was sent again: rto, tlp, rack, fast, recovery, pmtu", sentTerm},
	"analysis": {"one of Wireshark's tcp.analysis flags", analysisTerm},
	"rst":      {"any, or the kind or cause of a reset", resetTerm},
	"tls":      {"any, or the name of a TLS event", appTerm("tls")},
	"http":     {"any, or request or response", appTerm("http")},
	"icmp":     {"any, or the name of an ICMP message", icmpTerm},
	"dropped":  {"yes or no: whether something is known to have dropped it", droppedTerm},
}

// FilterHelp lists what a filter can ask for, a line each.
func FilterHelp() string {
	var b strings.Builder
	for _, k := range keys() {
		fmt.Fprintf(&b, "  %-9s %s\n", k, filterKeys[k].doc)
	}
	return b.String()
}

func keys() []string {
	var ks []string
	for k := range filterKeys {
		ks = append(ks, k)
	}
	slices.Sort(ks)
	return ks
}

// ParseFilter reads terms like "host=192.0.2.1 sent=rto", all of which must
// hold; "!" before a term turns it round, and a value may be several with
// commas between, one of which must hold. Without names, any host is accepted.
func ParseFilter(text string, names Names) (*Filter, error) {
	f := &Filter{}
	for _, word := range strings.Fields(text) {
		bare, not := strings.CutPrefix(word, "!")
		key, v, ok := strings.Cut(bare, "=")
		if !ok {
			v = "any"
		}
		k, known := filterKeys[key]
		if !known {
			return nil, fmt.Errorf("read filter: %q is nothing to filter by: there is %s", key, strings.Join(keys(), ", "))
		}
		var any []func(*tcp.Record) bool
		for one := range strings.SplitSeq(v, ",") {
			t, err := k.parse(one, names)
			if err != nil {
				return nil, fmt.Errorf("read filter: %s: %w", key, err)
			}
			any = append(any, t)
		}
		f.terms = append(f.terms, func(r *tcp.Record) bool {
			return slices.ContainsFunc(any, func(t func(*tcp.Record) bool) bool { return t(r) }) != not
		})
	}
	return f, nil
}

func hostTerm(v string, names Names) (func(*tcp.Record) bool, error) {
	var as []netip.Addr
	if a, err := netip.ParseAddr(v); err == nil {
		as = []netip.Addr{a}
	}
	for a, n := range names {
		if n == v {
			as = append(as, a)
		}
	}
	if len(as) == 0 && names != nil {
		return nil, fmt.Errorf("%q is neither an address nor a host that the capture names", v)
	}
	return func(r *tcp.Record) bool {
		return slices.Contains(as, r.Packet.Src) || slices.Contains(as, r.Packet.Dst)
	}, nil
}

func portTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	n, err := strconv.ParseUint(v, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("%q is not a port", v)
	}
	return func(r *tcp.Record) bool { return r.Packet.SrcPort == uint16(n) || r.Packet.DstPort == uint16(n) }, nil
}

func flowTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	n, err := strconv.Atoi(v)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("%q is not the number of a connection", v)
	}
	return func(r *tcp.Record) bool {
		c := r.Root()
		return c != nil && (c.ID == n || r.Conn != nil && r.Conn.ID == n)
	}, nil
}

func frameTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	lo, hi, ranged := strings.Cut(v, "..")
	a, err := strconv.Atoi(lo)
	b := a
	if ranged && err == nil {
		b, err = strconv.Atoi(hi)
	}
	if err != nil || a < 1 || b < a {
		return nil, fmt.Errorf("%q is not a frame number, nor a range like 10..20", v)
	}
	return func(r *tcp.Record) bool { return r.N >= a && r.N <= b }, nil
}

func flagsTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	want, ok := packet.ParseFlags(v)
	if !ok && v != "none" {
		return nil, fmt.Errorf("%q is not a set of flags: write them as tcpdump does, S. say", v)
	}
	return func(r *tcp.Record) bool { return r.Conn != nil && r.Packet.Flags == want }, nil
}

func sentTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	if v == "any" || v == "rexmit" {
		return func(r *tcp.Record) bool { return r.Class&tcp.Rexmit != 0 }, nil
	}
	if !slices.Contains([]string{"rto", "tlp", "rack", "fast", "recovery", "pmtu"}, v) {
		return nil, fmt.Errorf("%q is no reason to send again: there is rexmit, rto, tlp, rack, fast, recovery, pmtu", v)
	}
	return func(r *tcp.Record) bool { return r.Class.Cause() == v }, nil
}

func analysisTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	if v == "any" {
		return func(r *tcp.Record) bool { return r.Flags != 0 }, nil
	}
	i := slices.Index(wireshark.All.Names(), v)
	if i < 0 {
		return nil, fmt.Errorf("%q is none of Wireshark's flags: there is %s", v, strings.Join(wireshark.All.Names(), ", "))
	}
	return func(r *tcp.Record) bool { return r.Flags&(1<<i) != 0 }, nil
}

func resetTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	if v != "any" && !slices.Contains(reset.Kinds, reset.Kind(v)) && !slices.Contains(reset.Causes, reset.Cause(v)) {
		return nil, fmt.Errorf("%q is neither a kind nor a cause of a reset: kinds are %v, causes %v", v, reset.Kinds, reset.Causes)
	}
	return func(r *tcp.Record) bool {
		return r.Reset != nil && (v == "any" || string(r.Reset.Kind) == v || r.Reset.May(reset.Cause(v)))
	}, nil
}

func appTerm(proto string) func(string, Names) (func(*tcp.Record) bool, error) {
	return func(v string, _ Names) (func(*tcp.Record) bool, error) {
		known := payload.Names()
		if proto == "http" {
			known = []string{"request", "response"}
		}
		if v != "any" && !slices.Contains(known, v) {
			return nil, fmt.Errorf("%q is none of %s", v, strings.Join(known, ", "))
		}
		return func(r *tcp.Record) bool {
			return slices.ContainsFunc(r.App, func(e payload.Event) bool { return e.Proto == proto && (v == "any" || e.Name == v) })
		}, nil
	}
}

func icmpTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	return func(r *tcp.Record) bool {
		m := r.Packet.ICMP()
		return m != nil && (v == "any" || strings.HasPrefix(m.Name(r.Packet.Proto), v))
	}, nil
}

func droppedTerm(v string, _ Names) (func(*tcp.Record) bool, error) {
	want := v != "no"
	if !slices.Contains([]string{"any", "yes", "no"}, v) {
		return nil, fmt.Errorf("%q is neither yes nor no", v)
	}
	return func(r *tcp.Record) bool { return (r.Dropped != "") == want }, nil
}

// Keep copies what r refers to, so that it outlives the next packet.
func Keep(r *tcp.Record) *tcp.Record {
	k := *r
	k.Packet, k.Payload = packet.Clone(r.Packet), nil
	k.App = slices.Clone(r.App)
	return &k
}
