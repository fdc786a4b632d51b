//go:build linux

package kernel

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

const ms = time.Millisecond

var clientAddr, serverAddr = netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")

// recorded is a case as it was recorded: packets, and what the kernels said of
// them.
type recorded struct {
	points  []*trace.Point
	packets []recordedPacket
	events  []bpf.Event
	says    []time.Duration // when each event is heard at the earliest
}

type recordedPacket struct {
	at    time.Duration
	out   bool // at the server; else it arrives there
	flags packet.TCPFlags
	seq   uint32
	ack   uint32
	n     int32
	id    uint16
}

func (r *recorded) decoded(i int) *packet.Packet {
	p := r.packets[i]
	d := &packet.Packet{Src: clientAddr, Dst: serverAddr, SrcPort: 40000, DstPort: 80, Seq: p.seq, Ack: p.ack,
		Proto: packet.ProtoTCP, Flags: p.flags,
		Window: 500, PayloadLen: p.n, WScale: -1, ID: p.id}
	if p.out {
		d.Src, d.Dst, d.SrcPort, d.DstPort = serverAddr, clientAddr, 80, 40000
	}
	return d
}

// trouble is a case with one of each: a segment that is sent three times and
// dropped twice for different reasons, two alike that come at once, a reset that
// its kernel speaks of late, one of a closed port, and one that nobody sent.
func trouble() *recorded {
	r := &recorded{points: []*trace.Point{{Index: 0, Node: "server", Wire: "lan", Addrs: []netip.Addr{serverAddr}}}}
	const pa, ra = packet.PSH | packet.ACK, packet.RST | packet.ACK
	r.packets = []recordedPacket{
		{at: 0, flags: packet.SYN, seq: 100},
		{at: 1 * ms, out: true, flags: packet.SYN | packet.ACK, seq: 500, ack: 101},
		{at: 2 * ms, flags: packet.ACK, seq: 101, ack: 501},
		{at: 3 * ms, flags: pa, seq: 101, ack: 501, n: 10},
		{at: 210 * ms, flags: pa, seq: 101, ack: 501, n: 10},
		{at: 211 * ms, flags: pa, seq: 101, ack: 501, n: 10},
		{at: 640 * ms, flags: pa, seq: 101, ack: 501, n: 10},
		{at: 641 * ms, out: true, flags: pa, seq: 501, ack: 111, n: 50},
		{at: 850 * ms, out: true, flags: pa, seq: 501, ack: 111, n: 50},
		{at: 1270 * ms, out: true, flags: pa, seq: 501, ack: 111, n: 50},
		{at: 1300 * ms, flags: packet.ACK, seq: 111, ack: 551},
		{at: 1310 * ms, out: true, flags: ra, seq: 551, ack: 111},
		{at: 1320 * ms, flags: pa, seq: 111, ack: 551, n: 5},
		{at: 1320*ms + 1, out: true, flags: packet.RST, seq: 551},
		{at: 1400 * ms, out: true, flags: ra, seq: 551, ack: 777},
	}
	local, remote := netip.AddrPortFrom(serverAddr, 80), netip.AddrPortFrom(clientAddr, 40000)
	header := func(i int) []byte { return tcpHeader(r.decoded(i)) }
	add := func(e bpf.Event, at, late time.Duration) {
		e.Time, e.Netns = at, 1
		r.events, r.says = append(r.events, e), append(r.says, at+late)
	}
	add(bpf.Event{Kind: bpf.Drop, Reason: "NETFILTER_DROP", Packet: header(3)}, 3*ms+40e3, 500*ms)
	add(bpf.Event{Kind: bpf.Drop, Reason: "TCP_OLD_DATA", Packet: header(5)}, 211*ms+9e3, 0)
	add(bpf.Event{Kind: bpf.Retransmit, Socket: true, Local: local, Remote: remote, SndUna: 501}, 850*ms+4e3, 300*ms)
	add(bpf.Event{Kind: bpf.Retransmit, Socket: true, Local: local, Remote: remote, SndUna: 501}, 1270*ms-3e3, 0)
	add(bpf.Event{Kind: bpf.SendReset, Reason: "TCP_ABORT_ON_CLOSE", Socket: true, Local: local, Remote: remote,
		RcvNxt: 111}, 1310*ms+5e3, 200*ms)
	add(bpf.Event{Kind: bpf.SendReset, Reason: "NO_SOCKET", Packet: header(12)}, 1320*ms+1e3, 100*ms)
	add(bpf.Event{Kind: bpf.Drop, Reason: "NO_SOCKET", Packet: header(12)}, 1320*ms+2e3, 250*ms)
	return r
}

// tcpHeader is the packet of d from its IP header on.
func tcpHeader(d *packet.Packet) []byte {
	b := make([]byte, 120)
	b[0], b[8], b[9] = 0x45, 64, packet.ProtoTCP
	b[2], b[3] = 0, byte(40+d.PayloadLen)
	b[4], b[5] = byte(d.ID>>8), byte(d.ID)
	src, dst := d.Src.As4(), d.Dst.As4()
	copy(b[12:], src[:])
	copy(b[16:], dst[:])
	put := func(at int, v uint32, n int) {
		for i := range n {
			b[at+i] = byte(v >> (8 * (n - 1 - i)))
		}
	}
	put(20, uint32(d.SrcPort), 2)
	put(22, uint32(d.DstPort), 2)
	put(24, d.Seq, 4)
	put(28, d.Ack, 4)
	b[32], b[33] = 5<<4, byte(d.Flags)
	put(34, uint32(d.Window), 2)
	return b
}

// fakeRing is a ring that gives what it is told to.
type fakeRing struct {
	waiting []bpf.Event
	clock   *time.Duration
	late    func(until time.Duration) []bpf.Event
	lost    uint64
}

func (f *fakeRing) Drain(wait time.Duration) ([]bpf.Event, error) {
	out := f.waiting
	f.waiting = nil
	if len(out) == 0 && wait > 0 {
		*f.clock += wait
		out = f.late(*f.clock)
	}
	return out, nil
}

func (f *fakeRing) Lost() (uint64, error) { return f.lost, nil }
func (f *fakeRing) Close() error          { return nil }

func newWitness(r ring, mute map[bpf.Kind]string) *Witness {
	return &Witness{ring: r, names: bpf.Names{Mute: mute}, nodes: map[uint64]string{1: "server"}, join: newJoiner()}
}

// play lets the packets of r come, and what is said of them, in an order that
// rng draws: each event at any time from when it happened on, in any company, the
// last when all packets are there. It returns the findings at the end.
func (r *recorded) play(t *testing.T, rng *rand.Rand, mute map[bpf.Kind]string) string {
	t.Helper()
	clock := time.Duration(0)
	ring := &fakeRing{clock: &clock}
	due := slices.Clone(r.says)
	if rng != nil {
		for i := range due { // at any time up to as late as it is waited for
			due[i] = r.events[i].Time + time.Duration(rng.Int64N(int64(trace.Late)))
		}
	}
	told := make([]bool, len(r.events))
	ring.late = func(until time.Duration) (out []bpf.Event) {
		for i, e := range r.events {
			if !told[i] && due[i] <= until {
				told[i] = true
				out = append(out, e)
			}
		}
		if rng != nil {
			rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		}
		return out
	}
	tr := trace.New(time.Unix(0, 0), r.points, nil)
	tr.Now = func() time.Duration { return clock }
	tr.Ask(newWitness(ring, mute))
	for i, p := range r.packets {
		clock = max(clock, p.at)
		ring.waiting = append(ring.waiting, ring.late(clock)...)
		d := r.decoded(i)
		if p.out {
			tr.Record(tr.Arrive(r.points[0], p.at, d, nil, nil), nil)
		} else {
			tr.Record(tr.Reach(&trace.Arrival{Point: r.points[0], At: p.at, Decoded: d}), nil)
		}
		if rng != nil && rng.IntN(3) == 0 {
			_ = tr.Findings()
		}
	}
	_ = tr.Findings()
	clock += time.Hour
	ring.waiting = append(ring.waiting, ring.late(clock)...)
	var out []byte
	for _, rec := range tr.Findings() {
		b, err := json.Marshal([]any{rec.N, rec.Class, rec.KernelDrop, rec.Timer, rec.Original, rec.Reset, rec.Notes})
		if err != nil {
			t.Fatal(err)
		}
		out = append(append(out, b...), '\n')
	}
	return string(out)
}

// TestVerdictsAreFunctions feeds one recorded case in a hundred orders and delays
// of what the kernels said, and wants the same of it each time.
func TestVerdictsAreFunctions(t *testing.T) {
	for name, mute := range map[string]map[bpf.Kind]string{
		"all kinds":           nil,
		"resets are not told": {bpf.SendReset: "left out"},
		"drops are not told":  {bpf.Drop: "left out"},
	} {
		t.Run(name, func(t *testing.T) {
			r := trouble()
			r.events = slices.DeleteFunc(r.events, func(e bpf.Event) bool { _, m := mute[e.Kind]; return m })
			r.says = r.says[:len(r.events)]
			for i, e := range r.events {
				r.says[i] = e.Time
			}
			want := r.play(t, nil, mute)
			for seed := range uint64(100) {
				if got := r.play(t, rand.New(rand.NewPCG(seed, 1)), mute); got != want {
					t.Fatalf("order %d: got\n%swant\n%s", seed, got, want)
				}
			}
		})
	}
}

// TestWords checks what is said of each packet, and that nothing is concluded
// from the silence of a kernel that does not tell of resets.
func TestWords(t *testing.T) {
	r := trouble()
	ring := &fakeRing{waiting: r.events}
	for _, mute := range []map[bpf.Kind]string{nil, {bpf.SendReset: "left out"}} {
		ring.waiting = slices.DeleteFunc(slices.Clone(r.events),
			func(e bpf.Event) bool { _, m := mute[e.Kind]; return m })
		w := newWitness(ring, mute)
		tr := trace.New(time.Unix(0, 0), r.points, nil)
		tr.Now = func() time.Duration { return time.Hour }
		tr.Ask(w)
		for i, p := range r.packets {
			if d := r.decoded(i); p.out {
				tr.Record(tr.Arrive(r.points[0], p.at, d, nil, nil), nil)
			} else {
				tr.Record(tr.Reach(&trace.Arrival{Point: r.points[0], At: p.at, Decoded: d}), nil)
			}
		}
		rs := tr.Findings()
		for i, want := range map[int]string{3: "NETFILTER_DROP", 4: "", 5: "TCP_OLD_DATA", 6: "", 12: "NO_SOCKET"} {
			if got := rs[i].KernelDrop; got != want {
				t.Errorf("packet %d: refused for %q, want %q", i, got, want)
			}
		}
		verdicts := map[int][2]string{11: {"active", "kernel"}, 13: {"passive", "kernel"}, 14: {"forged", "kernel"}}
		if mute != nil {
			verdicts = map[int][2]string{11: {"active", "inferred"}, 13: {"passive", "inferred"}}
		}
		for i, want := range verdicts {
			if v := rs[i].Reset; string(v.Kind) != want[0] || v.Evidence != want[1] {
				t.Errorf("packet %d: %s, want %v", i, v, want)
			}
		}
		if mute != nil && rs[14].Reset.Evidence != "inferred" {
			t.Errorf("packet 14: %s, from a kernel that does not tell", rs[14].Reset)
		}
	}
}

// TestReferences has a packet that went to a raw socket and then to nobody: it
// was not dropped. One that went to nobody at all was.
func TestReferences(t *testing.T) {
	reply := make([]byte, 120)
	reply[0], reply[3], reply[8], reply[9] = 0x45, 84, 64, packet.ProtoICMP // echo reply: type 0
	src, dst := clientAddr.As4(), serverAddr.As4()
	copy(reply[12:], src[:])
	copy(reply[16:], dst[:])
	for _, cloned := range []bool{true, false} {
		ring := &fakeRing{waiting: []bpf.Event{{Kind: bpf.Drop, Reason: "NO_SOCKET", Netns: 1, Time: ms, Packet: reply,
			Cloned: cloned}}}
		tr := trace.New(time.Unix(0, 0), trouble().points, nil)
		tr.Now = func() time.Duration { return time.Hour }
		tr.Ask(newWitness(ring, nil))
		var dec packet.Decoder
		var d packet.Packet
		dec.Frame(packet.LinkRaw, reply[:84], 84, &d)
		tr.Record(tr.Reach(&trace.Arrival{Point: tr.Points[0], At: ms, Decoded: &d}), nil)
		want := "NO_SOCKET"
		if cloned {
			want = ""
		}
		if got := tr.Findings()[0].KernelDrop; got != want {
			t.Errorf("cloned %v: refused for %q, want %q", cloned, got, want)
		}
	}
}
