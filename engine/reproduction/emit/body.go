package emit

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit/phrase"
)

// part is one connection, written.
type part struct {
	flow *reproduction.Flow
	port int // of the client
	lane [2][]string
	gap  time.Duration // since the one before ended
}

// body writes what run does.
func (w *writer) body() {
	w.line("local client, server = net.client, net.server")
	if len(w.causes) > 0 {
		bug := map[bool]string{true: "v.broken", false: "v.outcome == \"fails\""}[w.broken()]
		w.line("local bug, fails = %s, v.outcome == \"fails\"", bug)
	}
	w.line("")
	w.path()
	w.faults()
	parts := w.parts()
	if len(parts) == 1 && parts[0].flow.Opening == reproduction.Opened && !parts[0].flow.Strange {
		w.single(parts[0])
	} else {
		w.several(parts)
	}
	w.stay()
	w.line("")
	w.expectations()
}

// stay waits for what TCP does by itself.
func (w *writer) stay() {
	var most time.Duration
	for _, f := range w.inc.Flows {
		most = max(most, f.Stays)
	}
	if most > 0 {
		w.line("sleep %s  -- inferred: TCP goes on by itself", phrase.Quote(most.Round(10*time.Millisecond)))
	}
}

// path writes what the path does to packets.
func (w *writer) path() {
	if r := w.inc.Reject; r != nil {
		w.line("-- inferred: not the host refuses, but something on the way")
		w.line("if bug then net.edge:reject { fwd = true, tcp = %d, with = %q } end", r.Port, r.With)
		w.line("")
	}
	for _, f := range w.inc.Flows {
		for _, m := range f.Misses {
			w.line("-- inferred: the kernel does not find the connection of this segment")
			w.line("if bug then server:lookup_miss { port = %d, tcp = %q, nth = %d } end", f.Port, m.TCP, m.Nth)
		}
	}
	n := w.inc.Narrow
	if n == nil || n.Said == reproduction.Heard {
		return
	}
	icmp := "frag-needed"
	if w.inc.IPv6 {
		icmp = "packet-too-big"
	}
	if n.Probing {
		w.line("-- inferred: the %s finds out by itself", phrase.Sides[n.Side])
		w.line("%s:sysctl(\"net.ipv4.tcp_mtu_probing\", 1)", phrase.Sides[n.Side])
		if n.Base != 1024 {
			w.line("%s:sysctl(\"net.ipv4.tcp_base_mss\", %d)", phrase.Sides[n.Side], n.Base)
		}
	}
	fault := map[reproduction.Said]string{
		reproduction.Unsaid:  fmt.Sprintf("net.%s:drop { out = true, icmp = %q }", [2]string{"near", "far"}[n.Side], icmp),
		reproduction.Strayed: fmt.Sprintf("net.%s:drop { icmp = %q }", [2]string{"wan", "lan"}[n.Side], icmp),
		reproduction.Ignored: fmt.Sprintf("%s:drop { [\"in\"] = true, icmp = %q }", phrase.Sides[n.Side], icmp),
	}[n.Said]
	why := map[reproduction.Said]string{reproduction.Unsaid: "nobody tells it", reproduction.Strayed: "what the router says is lost",
		reproduction.Ignored: "it does not heed what the router says"}[n.Said]
	w.line("-- inferred: large packets of the %s get lost, and %s", phrase.Sides[n.Side], why)
	if len(w.causes) == 1 {
		w.line("if v.icmp ~= \"pass\" and not v.clamp then %s end", fault)
		w.line("if v.clamp then net.near:clamp_mss \"path\" end")
	} else {
		w.line("if bug then %s else net.near:clamp_mss \"path\" end", fault)
	}
	w.line("")
}

// faults writes the losses, and what came late.
func (w *writer) faults() {
	var lines []string
	for _, f := range w.inc.Flows {
		if !w.shares(f) {
			lines = append(lines, phrase.Faults(w.inc, f)...)
		}
	}
	if len(lines) == 0 {
		return
	}
	w.line("-- inferred: exactly what was lost or late")
	w.line("if bug then")
	for _, l := range lines {
		w.line("  %s", l)
	}
	w.line("end")
	w.line("")
}

// parts writes the connections, each by itself.
func (w *writer) parts() (out []part) {
	end := time.Duration(0)
	for _, f := range w.inc.Flows {
		p := part{flow: f, port: reproduction.FirstPort + f.Tuple}
		p.gap = min(max(f.Start-end, 0), time.Second).Round(time.Millisecond)
		for side := range 2 {
			p.lane[side] = phrase.Fold(phrase.Steps(f, side))
			if w.opensAgain(f) {
				p.lane[side] = slices.DeleteFunc(p.lane[side], func(l string) bool {
					return strings.TrimSpace(l) == "listener:close()"
				})
			}
		}
		end = f.End
		out = append(out, p)
	}
	return out
}

// opensAgain reports whether a later connection to the same port opens: somebody listens there.
func (w *writer) opensAgain(f *reproduction.Flow) bool {
	return slices.ContainsFunc(w.inc.Flows, func(o *reproduction.Flow) bool {
		return o != f && o.Port == f.Port && o.Opening == reproduction.Opened && o.Start >= f.Start
	})
}

// single writes a scenario of one connection.
func (w *writer) single(p part) {
	f := p.flow
	w.gone(f)
	w.line("local listener = server:listen(%d%s)", f.Port, options("", rcvbuf(f, reproduction.Server)))
	w.line("local serving = task(function()")
	w.depth++
	w.line("local conn = listener:accept()")
	w.line("if not conn then return end")
	w.lane(p, reproduction.Server)
	w.depth--
	w.line("end)")
	w.line("")
	w.line("local conn = client:dial { to = listener%s }", more(rcvbuf(f, reproduction.Client)))
	w.line("if conn then")
	w.depth++
	w.lane(p, reproduction.Client)
	w.depth--
	w.line("end")
	w.line("wait(serving)")
}

// gone declares the variable that tells one side that the other has vanished.
func (w *writer) gone(f *reproduction.Flow) {
	if phrase.Awaited(f) {
		w.line("local gone = false")
	}
}

func (w *writer) lane(p part, side int) {
	if len(p.lane[side]) > 0 && uses(p.lane[side], "take(") {
		w.line("local take = reader(conn)")
	}
	var set []string
	if p.flow.NoDelay[side] {
		set = append(set, "nodelay = true")
	}
	if k := p.flow.KeepAlive[side]; k.Idle > 0 {
		text := fmt.Sprintf("keepalive = true, keepidle = %s, keepintvl = %s", phrase.Quote(min(k.Idle, time.Second)),
			phrase.Quote(min(k.Every, time.Second)))
		if k.Count > 0 {
			text += fmt.Sprintf(", keepcnt = %d", k.Count)
		}
		set = append(set, text)
	}
	if d := p.flow.GivesUp[side]; d > 0 {
		set = append(set, "user_timeout = "+phrase.Quote(d))
	}
	if len(set) > 0 {
		w.line("conn:set { %s }", strings.Join(set, ", "))
	}
	for _, l := range p.lane[side] {
		w.line("%s", l)
	}
}

func uses(lines []string, what string) bool {
	for _, l := range lines {
		if strings.Contains(l, what) {
			return true
		}
	}
	return false
}

func rcvbuf(f *reproduction.Flow, side int) string {
	if f.Window[side] == 0 {
		return ""
	}
	return fmt.Sprintf("rcvbuf = %d", f.Window[side])
}

func options(before, text string) string {
	if text == "" {
		return before
	}
	return before + ", { " + text + " }"
}

func more(text string) string {
	if text == "" {
		return ""
	}
	return ", " + text
}
