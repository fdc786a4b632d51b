package emit

import (
	"fmt"
	"strings"
	"time"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit/phrase"
)

// mostPlayed bounds how many packets are played.
const mostPlayed = 1000

// played writes a scenario in which one side of the first connection is no socket: its
// packets are those of the capture, with numbers that fit the live side.
func (w *writer) played() {
	one, side := *w.inc.Flows[0], w.options.Peer
	f, live := &one, 1-side
	f.Steps[side] = nil // its packets are played: there is no program to wait for
	w.line("local client, server = net.client, net.server")
	if uses(phrase.Steps(f, live), "bug") {
		w.line("local bug = true")
	}
	w.line("")
	w.line("-- The %s is played from the packets of the capture: its own kernel hears nothing, and so says nothing.",
		phrase.Sides[side])
	w.line("%s:drop { [\"in\"] = true, tcp = true }", phrase.Sides[side])
	w.line("")
	for _, line := range phrase.Player(side, w.piece(f)) {
		w.line("%s", line)
	}
	w.opening(f, side)
	w.say(f, side)
	w.line("wait(living)")
	if f.Stays > 0 {
		w.line("sleep %s", phrase.Quote(f.Stays.Round(10*time.Millisecond)))
	}
	w.line("")
	w.line("step \"verdict\"")
	w.line("local seen = net.trace:at(%s)", phrase.Sides[live])
	w.line("expect(seen):includes { from = %s, tcp = \"ack\" }", phrase.Sides[live])
	for _, r := range f.Resets {
		if r.Side == live {
			w.line("expect(seen):includes { from = %s, tcp = \"rst\" }", phrase.Sides[live])
			break
		}
	}
}

// piece is the largest payload of the played side.
func (w *writer) piece(f *reproduction.Flow) int {
	headers := 52
	if w.inc.IPv6 {
		headers = 72
	}
	return min(w.mtu(reproduction.Client), w.mtu(reproduction.Server), 9000) - headers
}

// opening writes the handshake, and the program of the live side.
func (w *writer) opening(f *reproduction.Flow, side int) {
	p := part{flow: f, port: reproduction.FirstPort}
	p.lane[1-side] = phrase.Fold(phrase.Steps(f, 1-side))
	shake := phrase.Handshake(f, side)
	if side == reproduction.Server {
		stamps := ""
		if strings.Contains(shake, "timestamps") {
			stamps = ", tsecr = pkt.tsval or 0"
		}
		w.line("net.wan:box(function(pkt)")
		w.line("  if pkt.dport == %d and pkt.flags == \"S\" then", f.Port)
		w.line("    pkt:answer { flags = \"S.\", raw_seq = 1000, %s%s }", shake, stamps)
		w.line("  end")
		w.line("end)")
		w.line("local living = task(function()")
		w.depth++
		w.line("conn = client:dial { to = server, port = %d, from_port = %d%s }", f.Port, p.port,
			more(rcvbuf(f, reproduction.Client)))
		w.line("if not conn then return end")
		w.lane(p, reproduction.Client)
		w.depth--
		w.line("end)")
		w.line("")
		return
	}
	if strings.Contains(shake, "timestamps") {
		shake += ", tsecr = 0"
	}
	w.line("net.wan:box(function(pkt)")
	w.line("  if pkt.sport == %d and pkt.flags == \"S.\" then pkt:answer { flags = \".\", win = 500 } end", f.Port)
	w.line("end)")
	w.line("local listener = server:listen(%d%s)", f.Port, options("", rcvbuf(f, reproduction.Server)))
	w.line("net.wan:inject { toward = server, src = client.addr, dst = server.addr, sport = %d, dport = %d, "+
		"flags = \"S\", raw_seq = 1000, %s }", p.port, f.Port, shake)
	w.line("local living = task(function()")
	w.depth++
	w.line("conn = listener:accept()")
	w.line("if not conn then return end")
	w.lane(p, reproduction.Server)
	w.depth--
	w.line("end)")
	w.line("")
}

// say writes the packets of the played side.
func (w *writer) say(f *reproduction.Flow, side int) {
	w.line("heard(1)")
	var pause time.Duration
	n, began := 0, !f.Begun
	for _, p := range f.Packets {
		pause = p.Pause
		if p.Side != side || strings.Contains(p.Flags, "S") {
			began = began || strings.Contains(p.Flags, "S")
			continue
		}
		if !began {
			continue
		}
		if n++; n > mostPlayed {
			w.line("-- more packets are left out")
			return
		}
		if pause >= 3*time.Millisecond {
			w.line("sleep %s", phrase.Quote(min(pause, 2*time.Second).Round(time.Millisecond)))
		}
		if strings.Contains(p.Flags, "R") {
			keys := ""
			if strings.Contains(p.Flags, ".") {
				keys = fmt.Sprintf(", ack = %d", p.Ack)
			}
			w.line("net.wan:inject { conn = conn, toward = %s, flags = %q, seq = %d%s, win = %d, timestamps = false }",
				phrase.Sides[1-side], p.Flags, p.Seq, keys, p.Window)
			continue
		}
		text := `""`
		if p.Len > 0 {
			text = phrase.Payload(reproduction.Step{Bytes: p.Len, Data: p.Data})
		}
		w.line("say(%q, %d, %d, %s, %d)", p.Flags, p.Seq, p.Ack, text, p.Window)
	}
}
