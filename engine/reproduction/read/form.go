package read

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/pattern"
	"netrepro/engine/reproduction"
	"netrepro/engine/tcp"
	"netrepro/engine/trace/golden"
)

// heading begins the events of a connection in a golden form.
var heading = pattern.New(`^connection \d+: (\S+) > (\S+):\d+$`)

// forms gives each connection what it means: the golden form, with the sides for names.
func forms(all []*tcp.Record, flows []*flow) {
	number := map[netip.Addr]string{}
	names := func(a netip.Addr) string {
		if _, ok := number[a]; !ok {
			number[a] = fmt.Sprintf("h%d", len(number))
		}
		return number[a]
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b *tcp.Record) int { return cmp.Compare(a.N, b.N) })
	order := map[*tcp.Conn]bool{}
	var turn []*flow
	for _, r := range all {
		if c := r.Root(); !order[c] {
			order[c] = true
			turn = append(turn, flows[slices.IndexFunc(flows, func(f *flow) bool { return f.Conn == c })])
		}
	}
	at := -1
	var ends [2]string
	for _, l := range golden.Form(all, names) {
		if m := heading.FindStringSubmatch(l); m != nil {
			at++
			ends = [2]string{m[1], m[2]}
			continue
		}
		if at < 0 || at >= len(turn) || !strings.HasPrefix(l, "  ") {
			continue
		}
		if l = sided(l, ends); !turn[at].cut(l) {
			turn[at].Form = append(turn[at].Form, l)
		}
	}
}

// sided is an event with sides for names.
func sided(l string, ends [2]string) string {
	words := strings.Fields(l)
	for i, w := range words {
		w, colon := strings.CutSuffix(w, ":")
		switch {
		case w == ends[0] && (i == 0 || ends[0] != ends[1]):
			w = "client"
		case w == ends[1]:
			w = "server"
		case host.MatchString(w):
			w = "router"
		}
		if colon {
			w += ":"
		}
		words[i] = w
	}
	return "  " + strings.Join(words, " ")
}

// host is what forms call hosts.
var host = pattern.New(`^h\d+$`)

// cut reports the loss of a packet that was on its way when the capture ended.
func (f *flow) cut(event string) bool {
	for _, s := range f.Cut {
		side := [2]string{reproduction.Client: "client", reproduction.Server: "server"}[s.Side]
		if strings.TrimSpace(event) == fmt.Sprintf("%s loses %d:%d", side, s.Seq, s.End) {
			return true
		}
	}
	return false
}
