package emit

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit/phrase"
)

// several writes a scenario of several connections, or of one that does not open.
func (w *writer) several(parts []part) {
	apart := true
	for i := 1; i < len(parts); i++ {
		apart = apart && parts[i].flow.Start >= parts[i-1].flow.End
	}
	w.line("-- By the client's port: who serves a connection. left is how many are not served to their end.")
	w.line("local serve, left = {}, 0")
	w.line("local function accept(conn)")
	w.line("  if not serve[conn.peer.port] then return end")
	w.line("  serve[conn.peer.port](conn)")
	w.line("  left = left - 1")
	w.line("end")
	w.line("local function served()")
	w.line("  for _ = 1, 500 do")
	w.line("    if left <= 0 then return end")
	w.line("    sleep \"10ms\"")
	w.line("  end")
	w.line("end")
	open := map[uint16]bool{}
	if !apart {
		for _, p := range parts {
			w.listen(p.flow, open)
		}
		w.line("local asking = {}")
	}
	for i := 0; i < len(parts); {
		n := 1
		for apart && i+n < len(parts) && parts[i].same(parts[i+n]) && parts[i+n].port == parts[i].port+n {
			n++
		}
		w.line("")
		w.one(parts[i], i, n, apart, open)
		i += n
	}
	if !apart {
		w.line("for _, t in ipairs(asking) do wait(t) end")
	}
	w.line("served()")
}

// same reports that two connections are written alike.
func (p part) same(o part) bool {
	return p.flow.Port == o.flow.Port && p.flow.Opening == o.flow.Opening && slices.Equal(p.lane[0], o.lane[0]) &&
		slices.Equal(p.lane[1], o.lane[1]) && p.flow.NoDelay == o.flow.NoDelay && p.flow.Window == o.flow.Window &&
		p.flow.KeepAlive == o.flow.KeepAlive && p.flow.TTL == o.flow.TTL && p.flow.Strange == o.flow.Strange &&
		(!p.flow.Strange || p.flow.Packets[0].Flags == o.flow.Packets[0].Flags)
}

// listen opens the port of a connection, once.
func (w *writer) listen(f *reproduction.Flow, open map[uint16]bool) {
	if f.Opening == reproduction.Refused && !f.Strange || f.Strange && !listens(f) || open[f.Port] {
		return
	}
	if _, known := open[f.Port]; known {
		open[f.Port] = true
		w.line("if bug then at_%d = server:listen(%d, accept) end  -- inferred: now somebody does", f.Port, f.Port)
		return
	}
	open[f.Port] = true
	if n := w.waiting(f.Port); n >= 0 {
		w.line("-- inferred: connections wait to be accepted until no more may")
		w.line("if bug then server:sysctl(\"net.ipv4.tcp_abort_on_overflow\", 1) end")
		w.line("local at_%d = server:listen(%d, { backlog = bug and %d or 100 })", f.Port, f.Port, n)
		return
	}
	w.line("local at_%d = server:listen(%d, accept%s)", f.Port, f.Port, options("", rcvbuf(f, reproduction.Server)))
}

// listens reports that what no kernel sent met a listener.
func listens(f *reproduction.Flow) bool {
	return len(f.Resets) == 0 || f.Resets[0].Cause == "listener" || f.Opening == reproduction.Opened && f.Packets[0].Flags == "S"
}

// waiting is the backlog of a port whose accept queue was full, -1 if it was not.
func (w *writer) waiting(port uint16) int {
	n, full := -1, false
	for _, f := range w.inc.Flows {
		switch {
		case f.Port != port:
		case f.Overflow:
			full = true
		case f.Opening == reproduction.Opened:
			n++
		}
	}
	if !full {
		return -1
	}
	return max(n, 1)
}

// one writes a connection, or n that are alike.
func (w *writer) one(p part, i, n int, apart bool, open map[uint16]bool) {
	f := p.flow
	title := fmt.Sprintf("-- Connection %d", i+1)
	if n > 1 {
		title = fmt.Sprintf("-- Connections %d to %d", i+1, i+n)
	}
	if !f.Begun {
		title += ", which began before the capture"
	}
	w.line("%s.", title)
	if apart {
		w.listen(f, open)
	}
	if f.Opening == reproduction.Refused && !f.Strange {
		w.refuses(f.Port, open)
	}
	port := fmt.Sprint(p.port)
	if n > 1 {
		w.line("for port = %d, %d do", p.port, p.port+n-1)
		w.depth++
		port = "port"
	}
	if !apart {
		w.line("asking[#asking + 1] = task(function()")
		w.depth++
		if d := min(f.Start, 2*time.Second).Round(time.Millisecond); d > 0 {
			w.line("sleep %s", phrase.Quote(d))
		}
	} else if i > 0 {
		w.line("served()")
		if p.gap >= 5*time.Millisecond {
			w.line("sleep %s", phrase.Quote(p.gap))
		}
	}
	disarm := w.own(f)
	w.ask(p, port, open)
	if disarm > 0 {
		w.line("for _, f in ipairs(faults) do f:disarm() end  -- the next connection has the same ports")
	}
	if !apart {
		w.depth--
		w.line("end)")
	}
	if n > 1 {
		w.depth--
		w.line("end")
	}
}

// refuses has nobody listen on a port, but where the failure is mended.
func (w *writer) refuses(port uint16, open map[uint16]bool) {
	was, known := open[port]
	open[port] = false
	switch {
	case was:
		w.line("if bug then at_%d:close() end  -- inferred: nobody listens any more", port)
	case !known:
		w.line("local at_%d = not bug and server:listen(%d, accept) or nil  -- inferred: nobody listens", port, port)
	}
}

// shares reports that several connections have the ports of f.
func (w *writer) shares(f *reproduction.Flow) bool {
	n := 0
	for _, o := range w.inc.Flows {
		if o.Tuple == f.Tuple {
			n++
		}
	}
	return n > 1
}

// own writes the faults of a connection that shares its ports with others, which may not
// hit those, and returns how many there are.
func (w *writer) own(f *reproduction.Flow) int {
	lines := phrase.Faults(w.inc, f)
	if !w.shares(f) || len(lines) == 0 {
		return 0
	}
	w.line("local faults = {}")
	w.line("if bug then")
	for _, l := range lines {
		w.line("  faults[#faults + 1] = %s", l)
	}
	w.line("end")
	return len(lines)
}

// ask writes the client's part of a connection, and has the server's ready.
func (w *writer) ask(p part, port string, open map[uint16]bool) {
	f := p.flow
	w.gone(f)
	if len(p.lane[reproduction.Server]) > 0 {
		w.line("serve[%s] = function(conn)", port)
		w.depth++
		if uses(p.lane[reproduction.Server], "listener:") {
			w.line("local listener = at_%d", f.Port)
		}
		w.lane(p, reproduction.Server)
		w.depth--
		w.line("end")
	}
	serves := len(p.lane[reproduction.Server]) > 0 && f.Opening == reproduction.Opened && !f.Strange
	if serves {
		w.line("left = left + 1")
	}
	dial := fmt.Sprintf("client:dial { to = server, port = %d, from_port = %s%s", f.Port, port,
		more(rcvbuf(f, reproduction.Client)))
	if f.TTL > 0 {
		dial += fmt.Sprintf(", ttl = %d", f.TTL)
	}
	if f.Strange {
		w.strange(f, port)
		return
	}
	switch f.Opening {
	case reproduction.Refused:
		w.line("do")
		w.line("  local _, err = %s }", dial)
		w.line("  if fails then expect(err):equals \"ECONNREFUSED\" else expect(err):is_nil() end")
		w.line("end")
		return
	case reproduction.Silent:
		wait := time.Duration(min(max(f.Attempts, 1), 4))*time.Second - 300*time.Millisecond
		w.line("%s, timeout = %s }", dial, phrase.Quote(wait))
		return
	case reproduction.Rejected:
		w.line("%s, timeout = %s }", dial, phrase.Quote(time.Duration(min(f.Attempts, 3))*time.Second-300*time.Millisecond))
		return
	}
	w.line("local conn = %s }", dial)
	if serves {
		w.line("if not conn then left = left - 1 end")
	}
	if len(p.lane[reproduction.Client]) > 0 {
		w.line("if conn then")
		w.depth++
		w.lane(p, reproduction.Client)
		w.depth--
		w.line("end")
	}
}

// strange writes a first packet that no kernel sends.
func (w *writer) strange(f *reproduction.Flow, port string) {
	p := f.Packets[0]
	text := fmt.Sprintf("src = client.addr, dst = server.addr, sport = %s, dport = %d, flags = %q, raw_seq = 1000, "+
		"raw_ack = 5000", port, f.Port, p.Flags)
	if p.Len > 0 {
		text += fmt.Sprintf(", payload = (\"x\"):rep(%d)", p.Len)
	}
	if p.MSS > 0 {
		text += fmt.Sprintf(", mss = %d", p.MSS)
	}
	if p.Stamps {
		text += ", timestamps = true, tsval = 1000, tsecr = 0"
	}
	w.line("-- inferred: not sent by a kernel")
	w.line("if bug then net.wan:inject { toward = server, %s } end", text)
}
