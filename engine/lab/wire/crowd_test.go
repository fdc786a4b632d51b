//go:build linux

package wire

import (
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// crowdedRelay is one with a ring of so many slots in memory of ours.
func crowdedRelay(slots int, ports ...int32) *Relay {
	r := &Relay{ports: map[int32]*port{}, ring: &ring{fd: -1, mem: make([]byte, slots*128), slot: 128, perBlock: slots, slots: slots, fates: make([]fate, slots)}}
	for _, i := range ports {
		r.ports[i] = &port{wire: &Wire{relay: r}}
	}
	return r
}

// fill puts a frame of a device into the next slot that is free, as the kernel
// does, and reports whether there was one.
func (r *ring) fill(ifindex int32) bool {
	for n := range r.slots - r.held {
		i := (r.next + n) % r.slots
		if !r.filled(i) {
			h := r.header(i)
			h.Mac, h.Status = 66, unix.TP_STATUS_USER
			*(*int32)(unsafe.Add(unsafe.Pointer(h), slotAddr+addrIndex)) = ifindex
			return true
		}
	}
	return false
}

// drain takes so many frames and says which of them have their turn.
func drain(r *Relay, n int) (turns []bool) {
	for range n {
		f := r.ring.take()
		turns = append(turns, r.ports[f.ifindex].admit(&f))
	}
	r.ring.release()
	return turns
}

func count(turns []bool) (n int) {
	for _, t := range turns {
		if t {
			n++
		}
	}
	return n
}

// TestSurvey fills a ring: the queue of each wire takes what it holds, in order,
// and room that is made is given to what comes then.
func TestSurvey(t *testing.T) {
	r := crowdedRelay(8192, 1, 2)
	for range 1500 {
		r.ring.fill(1)
	}
	for range 10 {
		r.ring.fill(2)
	}
	if r.ring.waiting(1511) || !r.ring.waiting(1510) {
		t.Error("it is not known how many wait")
	}
	r.survey()
	r.survey() // changes nothing
	if r.ports[1].waiting != maxWaiting || r.ports[2].waiting != 10 || r.waiting != maxWaiting+10 {
		t.Errorf("%d and %d wait, %d in all", r.ports[1].waiting, r.ports[2].waiting, r.waiting)
	}
	// Half a queue has its turn; as many that come then will.
	if got := drain(r, 500); count(got) != 500 {
		t.Errorf("of the first 500 %d have their turn", count(got))
	}
	for range 700 {
		r.ring.fill(1)
	}
	r.survey()
	got := drain(r, 1000+10+700)
	if count(got[:500]) != 500 || count(got[500:1000]) != 0 || count(got[1000:1010]) != 10 || count(got[1010:1510]) != 500 || count(got[1510:]) != 0 {
		t.Errorf("turns: %d, %d, %d, %d, %d", count(got[:500]), count(got[500:1000]), count(got[1000:1010]), count(got[1010:1510]), count(got[1510:]))
	}
	if r.waiting != 0 || r.ports[1].waiting != 0 || r.ring.surveyed != 0 || slices.Contains(r.ring.fates, waits) || slices.Contains(r.ring.fates, refused) {
		t.Errorf("something is left of the crowd: %d wait, %d surveyed", r.waiting, r.ring.surveyed)
	}
	// What comes to a ring that is not crowded has its turn.
	for range 100 {
		r.ring.fill(1)
	}
	if got := drain(r, 100); count(got) != 100 {
		t.Errorf("without a crowd %d of 100 have their turn", count(got))
	}
}

// TestSurveyAll keeps half of the ring free for what is to come, whatever wires
// the frames are on, and goes on where the ring begins anew.
func TestSurveyAll(t *testing.T) {
	var ports []int32
	for i := range int32(100) {
		ports = append(ports, i+1)
	}
	r := crowdedRelay(2048, ports...)
	sum, turns := 0, 0
	for round := range 50 {
		for i := 0; r.ring.fill(int32(i%100) + 1); i++ {
			sum++
		}
		r.survey()
		if r.waiting > 1024 {
			t.Fatalf("in round %d %d wait", round, r.waiting)
		}
		turns += count(drain(r, 128))
	}
	turns += count(drain(r, 2048-128))
	if r.waiting != 0 || turns < sum/4 || turns > sum/2+1024 {
		t.Errorf("%d of %d had their turn, %d wait", turns, sum, r.waiting)
	}
}
