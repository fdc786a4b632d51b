//go:build linux

package ring

import (
	"slices"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

// crowdedRing is a ring of so many slots in memory of ours, with a queue for each
// of the devices.
func crowdedRing(slots int, ifindexes ...int) *Ring {
	r := &Ring{fd: -1, mem: make([]byte, slots*128), slot: 128, perBlock: slots, slots: slots,
		crowd: crowd{fates: make([]fate, slots), queues: map[int32]*int{}}}
	for _, i := range ifindexes {
		r.Queue(i)
	}
	return r
}

// fill puts a frame of a device into the next slot that is free, as the kernel
// does, and reports whether there was one.
func (r *Ring) fill(ifindex int32) bool {
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
func drain(r *Ring, n int) (turns []bool) {
	for range n {
		turns = append(turns, !r.Take().Refused)
	}
	r.Release()
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
	r := crowdedRing(8192, 1, 2)
	for range 1500 {
		r.fill(1)
	}
	for range 10 {
		r.fill(2)
	}
	if r.holds(1511) || !r.holds(1510) {
		t.Error("it is not known how many wait")
	}
	r.Survey()
	r.Survey() // changes nothing
	if *r.queues[1] != MaxWaiting || *r.queues[2] != 10 || r.waiting != MaxWaiting+10 {
		t.Errorf("%d and %d wait, %d in all", *r.queues[1], *r.queues[2], r.waiting)
	}
	// Half a queue has its turn; as many that come then will.
	if got := drain(r, 500); count(got) != 500 {
		t.Errorf("of the first 500 %d have their turn", count(got))
	}
	for range 700 {
		r.fill(1)
	}
	r.Survey()
	got := drain(r, 1000+10+700)
	var turns []int
	for _, part := range [][2]int{{0, 500}, {500, 1000}, {1000, 1010}, {1010, 1510}, {1510, 1710}} {
		turns = append(turns, count(got[part[0]:part[1]]))
	}
	if want := []int{500, 0, 10, 500, 0}; !slices.Equal(turns, want) {
		t.Errorf("turns %d, want %d", turns, want)
	}
	left := slices.ContainsFunc(r.fates, func(f fate) bool { return f != undecided })
	if r.waiting != 0 || *r.queues[1] != 0 || r.surveyed != 0 || left {
		t.Errorf("something is left of the crowd: %d wait, %d surveyed", r.waiting, r.surveyed)
	}
	// What comes to a ring that is not crowded has its turn.
	for range 100 {
		r.fill(1)
	}
	if got := drain(r, 100); count(got) != 100 {
		t.Errorf("without a crowd %d of 100 have their turn", count(got))
	}
}

// TestSurveyAll keeps half of the ring free for what is to come, whatever wires
// the frames are on, and goes on where the ring begins anew.
func TestSurveyAll(t *testing.T) {
	var ports []int
	for i := range 100 {
		ports = append(ports, i+1)
	}
	r := crowdedRing(2048, ports...)
	sum, turns := 0, 0
	for round := range 50 {
		for i := 0; r.fill(int32(i%100) + 1); i++ {
			sum++
		}
		r.Survey()
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
