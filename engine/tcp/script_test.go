package tcp_test

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// A script of packets, one a line:
//
//	[+TIME] WHO FLAGS [SEQ[:END]] [ack N] [ttl N] [id N] [win N] [nots] [noopt] [at POINT] [in|out] [port N]
//
// WHO is c or s. Numbers are relative; time is since the line before. Segments
// have timestamps unless they say not; a reset without ACK has no options and
// no window, as kernels send it.
const (
	isnC, isnS = 1_000_000_000, 3_000_000_000
	hs         = "c S 0\n+1ms s S. 0 ack 1\n+1ms c . 1 ack 1\n"
)

var (
	client = netip.MustParseAddr("192.0.2.1")
	server = netip.MustParseAddr("198.51.100.2")
)

func parseScript(t testing.TB, text string) []tcp.Input {
	t.Helper()
	var out []tcp.Input
	var now time.Duration
	ids := map[byte]uint16{'c': 100, 's': 9000}
	for n, l := range strings.Split(strings.TrimSpace(text), "\n") {
		w := strings.Fields(l)
		fail := func(why string) { t.Fatalf("line %d, %q: %s", n+1, l, why) }
		now += 100 * time.Microsecond
		if strings.HasPrefix(w[0], "+") {
			d, err := time.ParseDuration(w[0][1:])
			if err != nil {
				fail(err.Error())
			}
			now += d - 100*time.Microsecond
			w = w[1:]
		}
		who := w[0][0]
		p := &packet.Packet{Proto: packet.ProtoTCP, EtherType: packet.EtherTypeIPv4, TTL: 64, DF: true, Window: 500,
			WScale: -1}
		for _, f := range w[1] {
			bit, ok := map[rune]packet.TCPFlags{'S': packet.SYN, 'F': packet.FIN, 'R': packet.RST, 'P': packet.PSH,
				'.': packet.ACK, '-': 0}[f]
			if !ok {
				fail("flags")
			}
			p.Flags |= bit
		}
		mine, theirs, port := uint32(isnC), uint32(isnS), uint16(40000)
		p.Src, p.Dst = client, server
		ids[who]++
		p.ID = ids[who]
		ts := true
		if p.Flags.Has(packet.SYN) {
			p.MSS, p.WScale, p.Window = 1460, 7, 64240
		}
		if p.Flags.Has(packet.RST) && (!p.Flags.Has(packet.ACK)) {
			p.Window, p.NoOptions, p.ID, ts = 0, true, 0, false
		}
		in := tcp.Input{N: len(out) + 1, Time: now}
		for i := 2; i < len(w); i++ {
			arg := func() uint32 {
				i++
				v, err := strconv.ParseInt(w[i], 10, 64)
				if err != nil {
					fail(err.Error())
				}
				return uint32(v)
			}
			switch w[i] {
			case "ack":
				p.Ack = arg()
			case "ttl":
				p.TTL = uint8(arg())
			case "id":
				p.ID = uint16(arg())
			case "win":
				p.Window = uint16(arg())
			case "mss":
				p.MSS = uint16(arg())
			case "port":
				port = uint16(arg())
			case "at":
				in.Point = int(arg())
			case "in":
				in.Direction = tcp.In
			case "out":
				in.Direction = tcp.Out
			case "nots":
				ts = false
			case "noopt":
				ts, p.NoOptions, p.Window, p.ID = false, true, 0, 0
			case "raw": // numbers as they are
				mine, theirs = 0, 0
			case "sack":
				i++ // shown only
			default:
				from, to, ranged := strings.Cut(w[i], ":")
				v, err := strconv.ParseInt(from, 10, 64)
				if err != nil {
					fail(err.Error())
				}
				p.Seq = uint32(v)
				if ranged {
					e, err := strconv.ParseInt(to, 10, 64)
					if err != nil {
						fail(err.Error())
					}
					p.PayloadLen = int32(e - v)
				}
			}
		}
		if who == 's' {
			p.Src, p.Dst = server, client
			p.SrcPort, p.DstPort = 443, port
			if mine != 0 {
				mine, theirs = theirs, mine
			}
		} else {
			p.SrcPort, p.DstPort = port, 443
		}
		p.Seq += mine
		if p.Flags.Has(packet.ACK) {
			p.Ack += theirs
		}
		p.HasTS = ts
		if ts {
			p.TSVal = uint32(now / time.Millisecond)
		}
		p.IPLen = 40 + p.PayloadLen
		p.Length = p.IPLen + 14
		in.Packet = p
		out = append(out, in)
	}
	return out
}

// play analyses a script and returns what became of every line.
func play(t testing.TB, text string, points ...tcp.Point) []tcp.Record {
	t.Helper()
	a := tcp.New(tcp.Options{})
	a.Describe(points)
	var out []tcp.Record
	for _, in := range parseScript(t, text) {
		var r tcp.Record
		a.Add(&in, &r)
		out = append(out, r)
	}
	return out
}

func lastReset(rs []tcp.Record) *tcp.Record {
	for i := len(rs) - 1; i >= 0; i-- {
		if rs[i].Reset != nil {
			return &rs[i]
		}
	}
	return nil
}

func describe(r *tcp.Record) string {
	return fmt.Sprintf("#%d %s %d ack %d: %v", r.N, r.Packet.Flags, r.Seq, r.Ack, r.Reset)
}

func addrs(s string) []netip.Addr { return []netip.Addr{netip.MustParseAddr(s)} }
