// Package possible finds matches that no packet can ever satisfy: whatever is asked of a
// packet must be able to be so at once.
//
// It reads the values of a match and looks at no packet. Invariant: what it refuses no
// packet can be; what it does not know it lets pass.
package possible

import (
	"fmt"
	"net/netip"
	"slices"

	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/trace"
)

// asked is a match that is looked through.
type asked struct {
	m *match.Match
	// least and most are bounds of the bytes of payload; most is below 0 for none. why
	// names the keys that set them.
	least, most       int
	leastWhy, mostWhy string
	mask, want        packet.TCPFlags // of the flags in mask, these are set
	flagsWhy          string
	resent, fresh     string // the keys that ask for what was sent before, and for what was not
	word              string
	err               error
}

// Check reports what about m no packet can ever be; word is the key at fault.
func Check(m *match.Match) (word string, err error) {
	if word, err := m.Check(); err != nil {
		return word, err
	}
	a := &asked{m: m, most: -1}
	for _, rule := range []func(*asked){(*asked).ends, (*asked).ports, (*asked).segment, (*asked).payload, (*asked).sizes,
		(*asked).sent, (*asked).layers} {
		if rule(a); a.err != nil {
			return a.word, a.err
		}
	}
	return "", nil
}

// never notes that the match is impossible.
func (a *asked) never(word, format string, args ...any) {
	if a.err == nil {
		a.word, a.err = word, fmt.Errorf(format+": no packet is so", args...)
	}
}

// get is the value of a key as its kind has it.
func get[T any](a *asked, key string) (v T, ok bool) {
	x, given := a.m.Get(key)
	if !given {
		return v, false
	}
	v, ok = x.(T)
	return v, ok
}

// families are the versions of IP that a node has addresses of.
func families(y *value.Party) (four, six bool) {
	for _, a := range y.Addrs {
		four, six = four || a.Is4(), six || a.Is6()
	}
	return four, six
}

// ends holds who sends and who receives to being two, and to having the addresses asked for.
func (a *asked) ends() {
	from, isFrom := get[*value.Party](a, "from")
	to, isTo := get[*value.Party](a, "to")
	host, isHost := get[*value.Party](a, "host")
	if isFrom && isTo {
		f4, f6 := families(from)
		t4, t6 := families(to)
		switch {
		case from.Name == to.Name:
			a.never("to", "from and to are the same node, %s", from.Name)
		case len(from.Addrs) > 0 && len(to.Addrs) > 0 && (!f4 || !t4) && (!f6 || !t6):
			a.never("to", "%s and %s have no version of IP in common", from.Name, to.Name)
		case isHost && host.Name != from.Name && host.Name != to.Name && len(host.Addrs) > 0:
			a.never("host", "host is neither from nor to")
		}
	}
	for _, end := range []struct{ party, field string }{{"from", "src"}, {"to", "dst"}} {
		y, ok := get[*value.Party](a, end.party)
		f, also := get[value.Field](a, end.field)
		if ok && also && len(y.Addrs) > 0 && f.Prefix.IsValid() &&
			!slices.ContainsFunc(y.Addrs, f.Prefix.Contains) {
			a.never(end.field, "%s is no address of %s, which %s asks for", f.Prefix, y.Name, end.party)
		}
		if !ok || len(y.Addrs) == 0 {
			continue
		}
		four, six := families(y)
		for _, k := range match.Keys {
			f, asked := get[value.Field](a, k.Name)
			switch {
			case !asked:
			case f.Of.Layer == field.IPv4 && !four:
				a.never(k.Name, "%s belongs to IPv4, and %s has no such address", k.Name, y.Name)
			case f.Of.Layer == field.IPv6 && !six:
				a.never(k.Name, "%s belongs to IPv6, and %s has no such address", k.Name, y.Name)
			}
		}
	}
}

// ports holds either port to being one of both.
func (a *asked) ports() {
	port, either := get[int](a, "port")
	sport, isSource := get[int](a, "sport")
	dport, isDest := get[int](a, "dport")
	if either && isSource && isDest && port != sport && port != dport {
		a.never("port", "port is neither sport nor dport")
	}
	e, is := get[*trace.Ends](a, "conn")
	if !is || e == nil {
		return
	}
	has := func(n int) bool { return n == int(e.A.Port()) || n == int(e.B.Port()) }
	for _, p := range []struct {
		key   string
		n     int
		given bool
	}{{"port", port, either}, {"sport", sport, isSource}, {"dport", dport, isDest}} {
		if p.given && !has(p.n) {
			a.never(p.key, "the connection has the ports %d and %d, not %d", e.A.Port(), e.B.Port(), p.n)
		}
	}
	for _, key := range []string{"from", "to", "host"} {
		y, given := get[*value.Party](a, key)
		if given && len(y.Addrs) > 0 && !slices.ContainsFunc(y.Addrs, func(x netip.Addr) bool {
			return x == e.A.Addr() || x == e.B.Addr()
		}) {
			a.never(key, "%s is at neither end of the connection", y.Name)
		}
	}
	if a.m.Asks("udp", "icmp") {
		a.never("conn", "a connection is of TCP")
	}
}

// flag notes that of the flags in mask those of want are set.
func (a *asked) flag(key string, mask, want packet.TCPFlags) {
	if both := a.mask & mask; a.want&both != want&both {
		a.never(key, "%s and %s ask for other flags", a.flagsWhy, key)
		return
	}
	a.mask, a.want = a.mask|mask, a.want|want
	if a.flagsWhy == "" {
		a.flagsWhy = key
	}
}

// segment holds what kind of segment it is to its flags.
func (a *asked) segment() {
	if kind, ok := get[string](a, "tcp"); ok {
		mask, want := match.FlagsOf(kind)
		switch kind {
		case "ack", "keep-alive", "window-probe":
			mask, want = packet.SYN|packet.FIN|packet.RST|packet.ACK, packet.ACK
		case "data":
			mask = packet.SYN | packet.RST
			if f, given := get[packet.TCPFlags](a, "flags"); given && f.Any(packet.SYN) {
				mask = packet.RST // data may come with a SYN
			}
		case "zero-window":
			mask = packet.SYN | packet.FIN | packet.RST
		}
		a.flag("tcp", mask, want)
	}
	if f, ok := get[packet.TCPFlags](a, "flags"); ok {
		a.flag("flags", 0xff, f&0xff)
	}
	if a.m.Asks("ack") {
		a.flag("ack", packet.ACK, packet.ACK)
	}
	if a.m.Asks("rst") {
		a.flag("rst", packet.RST, packet.RST)
	}
	if a.m.Asks("sacks", "covers") {
		a.flag(map[bool]string{true: "sacks", false: "covers"}[a.m.Asks("sacks")], packet.ACK, packet.ACK)
	}
}

// atLeast and atMost note bounds of the bytes of payload.
func (a *asked) atLeast(key string, n int) {
	if n > a.least {
		a.least, a.leastWhy = n, key
	}
	a.bounds(key)
}

func (a *asked) atMost(key string, n int) {
	if a.most < 0 || n < a.most {
		a.most, a.mostWhy = n, key
	}
	a.bounds(key)
}

func (a *asked) bounds(key string) {
	if a.most < 0 || a.least <= a.most {
		return
	}
	a.never(key, "%s asks for %s of payload, and %s for at most %d", a.leastWhy, bytes(a.least), a.mostWhy, a.most)
}

func bytes(n int) string {
	if n == 1 {
		return "a byte"
	}
	return fmt.Sprintf("%d bytes", n)
}

// payload holds what a packet carries to how much.
func (a *asked) payload() {
	if kind, ok := get[string](a, "tcp"); ok {
		switch kind {
		case "data", "any":
			a.atLeast("tcp", 1)
		case "ack":
			a.atMost("tcp", 0)
		case "keep-alive", "window-probe":
			a.atMost("tcp", 1)
		}
	}
	if s, ok := get[string](a, "payload"); ok {
		a.atLeast("payload", len(s))
	}
	for _, key := range []string{"tls", "http"} {
		if a.m.Asks(key) {
			a.atLeast(key, 1)
		}
	}
	if r, ok := get[value.Range](a, "len"); ok {
		a.atLeast("len", r.Min)
		if r.Max >= 0 {
			a.atMost("len", r.Max)
		}
	}
}

// Headers that are at least before the payload.
const ethernet, ip, tcp, udp = 14, 20, 20, 8

// sizes holds lengths of packets to what is in them.
func (a *asked) sizes() {
	head := 0
	switch {
	case a.flagsWhy != "" || a.m.Asks("tcp", "seq", "win"):
		head = tcp
	case a.m.Asks("udp"):
		head = udp
	}
	if r, ok := get[value.Range](a, "size"); ok && r.Max >= 0 && (head > 0 || a.least > 0) && r.Max < ethernet+ip+head+a.least {
		a.never("size", "a frame with %s has more than %d bytes", what(a.least), r.Max)
	}
	if f, ok := get[value.Field](a, "ip_len"); ok && f.Range.Max >= 0 && (head > 0 || a.least > 0) &&
		f.Range.Max < ip+head+a.least {
		a.never("ip_len", "a packet with %s has more than %d bytes", what(a.least), f.Range.Max)
	}
}

func what(payload int) string {
	if payload == 0 {
		return "these headers"
	}
	return bytes(payload) + " of payload"
}

// again are the kinds of segment that send again.
var again = []string{"rexmit", "rto", "fast", "tlp", "rack", "recovery", "pmtu"}

// sent holds how often bytes were sent to what kind of segment it is.
func (a *asked) sent() {
	kind, _ := get[string](a, "tcp")
	r, counts := get[value.Range](a, "rexmit")
	if slices.Contains(again, kind) {
		a.resent = "tcp"
	}
	for _, key := range []string{"original", "timer"} {
		if a.m.Asks(key) {
			a.resent = key
		}
	}
	if kind == "data" {
		a.fresh = "tcp"
	}
	switch {
	case counts && r.Max == 0 && a.resent != "":
		a.never("rexmit", "rexmit = 0 is what was not sent before, and %s asks for what was", a.resent)
	case counts && r.Min > 0 && a.fresh != "":
		a.never("rexmit", `tcp = "data" is new data only, and rexmit asks for what was sent before`)
	case a.resent != "" && a.fresh != "":
		a.never(a.resent, `tcp = "data" is new data only, and %s asks for what was sent before`, a.resent)
	}
}
