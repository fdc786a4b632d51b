//go:build linux

package casepage

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/report/page"
	"netrepro/engine/script/session"
)

// environment is where a case ran.
func environment(r session.Result) []page.Fact {
	out := []page.Fact{{Name: "netrepro", Text: version()}}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		out = append(out, page.Fact{Name: "kernel", Text: unix.ByteSliceToString(u.Release[:]) + " " +
			unix.ByteSliceToString(u.Machine[:])})
	}
	out = append(out, page.Fact{Name: "processors", Text: strconv.Itoa(runtime.NumCPU())})
	who := "root"
	if os.Geteuid() != 0 {
		who = "an ordinary user, in a user namespace"
	}
	out = append(out, page.Fact{Name: "run by", Text: who})
	if r.Stalled > 0 {
		out = append(out, page.Fact{Name: "host stalled", Text: "for up to " +
			r.Stalled.Round(time.Millisecond).String()})
	}
	if r.Tries > 1 {
		out = append(out, page.Fact{Name: "tries", Text: strconv.Itoa(r.Tries)})
	}
	return out
}

func version() string {
	if b, ok := debug.ReadBuildInfo(); ok {
		return b.Main.Version + " " + b.GoVersion
	}
	return "unknown"
}

// lab is what a plan makes.
func lab(p *plan.Plan) *page.Lab {
	out := &page.Lab{Nodes: []page.Node{}, Wires: []page.Wire{}}
	for _, n := range p.Nodes {
		node := page.Node{Name: n.Name, Kind: string(n.Kind)}
		for _, i := range n.Ifaces {
			for _, a := range i.Addrs {
				node.Addrs = append(node.Addrs, a.Addr().String())
			}
		}
		out.Nodes = append(out.Nodes, node)
	}
	for _, w := range p.Wires {
		wire := page.Wire{Name: w.Name, From: w.Nodes[0], To: w.Nodes[1]}
		fact := func(is bool, name, format string, args ...any) {
			if is {
				wire.Facts = append(wire.Facts, page.Fact{Name: name, Text: fmt.Sprintf(format, args...)})
			}
		}
		mtu := w.MTU
		fact(mtu[0] != 0 && mtu[0] == mtu[1], "MTU", "%d", mtu[0])
		fact(mtu[0] != mtu[1], "MTU", "%d and %d", mtu[0], mtu[1])
		fact(w.Delay > 0 && w.Jitter == 0, "delay", "%s", w.Delay)
		fact(w.Jitter > 0, "delay", "%s ± %s", w.Delay, w.Jitter)
		fact(w.Rate > 0, "rate", "%s", bits(w.Rate))
		fact(w.Loss > 0, "loss", "%g %%", w.Loss*100)
		fact(w.Direct, "direct", "not captured")
		out.Wires = append(out.Wires, wire)
	}
	return out
}

// bits writes a rate.
func bits(n int64) string {
	switch {
	case n >= 1e9:
		return fmt.Sprintf("%.3g Gbit/s", float64(n)/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.3g Mbit/s", float64(n)/1e6)
	}
	return fmt.Sprintf("%.3g kbit/s", float64(n)/1e3)
}
