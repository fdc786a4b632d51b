//go:build linux

package wire

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/stall"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

const (
	// passFrames bounds how many frames one pass takes before it sends.
	passFrames = 128
	// flushAfter is how long a packet may stay in memory before it is
	// written to the capture file.
	flushAfter = 10 * time.Millisecond
	// pastRTO is longer than the first retransmission timeout of a path
	// without much delay (200 ms, TCP_RTO_MIN of Linux).
	pastRTO = 300 * time.Millisecond
	// queueBytes bounds what all delays of a lab hold.
	queueBytes = 256 << 20
	// maxSpare is how many buffers are kept to be used again.
	maxSpare = 4096
	// ringBytes bounds the receive ring of a lab.
	ringBytes = 64 << 20
	// Slots of the receive ring: what may wait while the host keeps the
	// relay from running.
	minSlots, slotsPerWire, maxSlots = 8192, 256, 16384
)

// Relay carries the frames of all wires of one lab.
type Relay struct {
	trace  *trace.Trace
	stalls *stall.Monitor
	start  int64 // of the trace, nanoseconds since 1970
	dec    packet.Decoder

	mu      sync.Mutex // held for each pass
	wires   []*Wire
	ports   map[int32]*port // by ifindex
	ring    *ring
	out     batch
	queue   delayQueue
	keeping int      // bytes on their way or held back
	spare   [][]byte // buffers to reuse
	spent   [][]byte // buffers to reuse once they are flushed
	verdict Verdict  // of the frame at hand
	tainted bool     // something was changed or forged: nodes may discard what arrives
	vlans   map[int32]uint16
	waiting int   // frames in the ring that will have their turn
	last    int64 // when a frame was last handled
	busy    int64 // since when there was no pause of busyPause
	frames  int   // that entered a wire since then
	dirty   int64 // when the first packet not yet flushed came, 0 if none
	lost    uint64
	lostWhy error
	passes  uint64        // that handled frames
	news    chan struct{} // closed by the next of them; nil if nobody waits for it

	epoll, timer, wake int
	armed              int64 // what timer is set to
	stop               bool
	done               chan struct{}
}

// Socket is what a relay receives and sends with, before it has a relay.
type Socket struct{ ring *ring }

// Open makes a socket in the calling thread's namespace, for so many wires whose
// largest MTU is mtu. It is slow, and needs no device to be there yet.
func Open(wires, mtu int) (*Socket, error) {
	r, err := openRing(mtu, min(max(minSlots, slotsPerWire*wires), maxSlots))
	if err != nil {
		return nil, err
	}
	return &Socket{r}, nil
}

// Close frees a socket that no relay was started with.
func (s *Socket) Close() {
	if s != nil {
		s.ring.close()
	}
}

// Config is what [Start] needs.
type Config struct {
	Socket *Socket // the relay's from then on, also if Start fails
	Wires  []Spec
	Trace  *trace.Trace
	Stalls *stall.Monitor
	Seed   uint64 // of what is drawn by chance
}

// Start begins to carry frames between the ends of every wire, whose devices
// are in the namespace that the socket was opened in.
func Start(c Config) (_ *Relay, err error) {
	r := &Relay{trace: c.Trace, stalls: c.Stalls, start: c.Trace.Start.UnixNano(), ports: map[int32]*port{}, vlans: map[int32]uint16{},
		ring: c.Socket.ring, epoll: -1, timer: -1, wake: -1, done: make(chan struct{})}
	defer func() {
		if err != nil {
			r.closeAll()
		}
	}()
	if r.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return nil, fmt.Errorf("create epoll: %w", err)
	}
	if r.timer, err = unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("create timer: %w", err)
	}
	if r.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return nil, fmt.Errorf("create eventfd: %w", err)
	}
	for _, s := range c.Wires {
		w := &Wire{Spec: s, relay: r}
		r.wires = append(r.wires, w)
		for side, e := range s.Ends {
			p := &port{End: e, wire: w, side: side, rng: rand.New(rand.NewPCG(c.Seed, uint64(2*len(r.wires)+side)))}
			w.ports[side] = p
			if e.Ifindex > 0 {
				r.ports[int32(e.Ifindex)] = p
			}
			for vlan, tap := range e.Taps {
				r.ports[int32(tap)], r.vlans[int32(tap)] = p, vlan
			}
		}
	}
	if err := r.ring.listen(); err != nil {
		return nil, err
	}
	for _, fd := range []int{r.timer, r.wake, r.ring.fd} {
		if err := unix.EpollCtl(r.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
			return nil, fmt.Errorf("watch descriptor: %w", err)
		}
	}
	go r.run()
	return r, nil
}

// Wire returns the wire of that name, nil if there is none.
func (r *Relay) Wire(name string) *Wire {
	for _, w := range r.wires {
		if w.Name == name {
			return w
		}
	}
	return nil
}

// Locked runs f while no frame is being handled. f must be short and must not
// wait for a frame.
func (r *Relay) Locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Lost is how many frames were lost that no fault dropped, and why the last
// one was. A trace with losses proves nothing.
func (r *Relay) Lost() (n uint64, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.countDrops()
	return r.lost, r.lostWhy
}

func (r *Relay) countDrops() {
	if r.ring == nil {
		return
	}
	if n := r.ring.dropped(); n > 0 {
		r.lose(n, errors.New("the engine was too slow for what the nodes sent"))
	}
}

func (r *Relay) lose(n uint64, why error) {
	r.lost += n
	r.lostWhy = why
}

// Stop ends the carrying of frames; those still on their way are gone. Stopping
// twice is harmless.
func (r *Relay) Stop() error {
	err := r.askToStop()
	if err == nil {
		<-r.done
	}
	return err
}

// Close stops the relay and frees its sockets, which takes the kernel three
// RCU grace periods.
func (r *Relay) Close() error {
	err := r.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.closeAll()
	}
	return err
}

// askToStop wakes the relay to stop. It holds the lock throughout: the relay
// closes the descriptor it is woken by.
func (r *Relay) askToStop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return nil
	}
	r.stop = true
	if err := r.poke(); err != nil {
		return fmt.Errorf("stop relay: %w", err)
	}
	return nil
}

// poke wakes the relay's goroutine.
func (r *Relay) poke() error {
	one := [8]byte{1}
	_, err := unix.Write(r.wake, one[:])
	return err
}

func (r *Relay) closeAll() {
	if r.ring != nil {
		r.ring.close()
		r.ring = nil
	}
	for _, fd := range []*int{&r.epoll, &r.timer, &r.wake} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
			*fd = -1
		}
	}
}

// clock is the time the kernel stamps frames with.
func clock() int64 { return time.Now().UnixNano() }

func (r *Relay) run() {
	// A thread of its own: the kernel then wakes the relay directly, without
	// a detour through the Go scheduler. It ends with the goroutine.
	runtime.LockOSThread()
	hurry()
	defer close(r.done)
	events := make([]unix.EpollEvent, 64)
	for {
		r.mu.Lock()
		if r.stop {
			r.countDrops()
			r.mu.Unlock()
			return
		}
		worked := r.pass()
		timeout := r.sleepFor()
		r.mu.Unlock()
		if worked {
			continue
		}
		n, err := unix.EpollWait(r.epoll, events, timeout)
		if err != nil && !errors.Is(err, unix.EINTR) {
			r.Locked(func() { r.lose(1, fmt.Errorf("wait for frames: %w", err)) })
			return
		}
		for _, e := range events[:max(n, 0)] {
			if e.Fd != int32(r.timer) && e.Fd != int32(r.wake) {
				continue
			}
			var b [8]byte
			_, _ = unix.Read(int(e.Fd), b[:])
			r.armed = 0 // even if the clock was set back since
		}
	}
}

// pass handles the frames that wait, oldest first, and those whose delay is
// over. It reports whether there were any.
func (r *Relay) pass() bool {
	n := 0
	if r.ring.waiting(crowded) {
		r.survey()
	}
	for ; n < passFrames && r.ring.ready(); n++ {
		f := r.ring.take()
		p := r.ports[f.ifindex]
		if p == nil {
			continue
		}
		if vlan := r.vlans[f.ifindex]; vlan != 0 {
			f = tagged(f, vlan)
		}
		if !p.admit(&f) {
			p.refuse(f)
			continue
		}
		p.receive(f, "")
	}
	now := clock()
	n += r.settle(now)
	if n == 0 {
		return false
	}
	r.flush()
	r.ring.release()
	r.handled(now)
	return true
}

// settle does what is due, and returns how much that was.
func (r *Relay) settle(now int64) (n int) {
	for due, ok := r.queue.next(); ok && due <= now; due, ok = r.queue.next() {
		f := r.queue.pop()
		r.stalls.Note(time.Duration(now - due))
		n++
		if f.held != nil {
			r.letGo(f.held, due, due)
			continue
		}
		if f.enters {
			f.port.receive(frame{data: f.a.data, length: len(f.a.data), arrival: now}, f.a.harmed)
		} else {
			f.port.send(f.a)
		}
		r.keeping -= len(f.a.data)
		r.spent = append(r.spent, f.a.data)
	}
	return n
}

// handled notes that frames were.
func (r *Relay) handled(now int64) {
	if now-r.last > int64(busyPause) {
		r.busy, r.frames = now, 0
	}
	r.last = now
	if r.dirty == 0 {
		r.dirty = now
	}
	r.passes++
	if r.news != nil {
		close(r.news)
		r.news = nil
	}
}

func (r *Relay) flush() {
	if refused, err := r.out.flush(r.ring.fd); refused > 0 {
		r.lose(uint64(refused), err)
	}
	r.spare = append(r.spare, r.spent[:min(len(r.spent), max(0, maxSpare-len(r.spare)))]...)
	r.spent = r.spent[:0]
}

// sleepFor arms the timer for the next delayed frame, flushes the capture if
// it is time and returns for how many milliseconds the relay may sleep.
func (r *Relay) sleepFor() int {
	if due, ok := r.queue.next(); ok && due != r.armed {
		r.armed = due
		_ = unix.TimerfdSettime(r.timer, unix.TFD_TIMER_ABSTIME, &unix.ItimerSpec{Value: unix.NsecToTimespec(due)}, nil)
	}
	if r.dirty == 0 {
		return -1
	}
	left := r.dirty + int64(flushAfter) - clock()
	if left > 0 {
		return int(left/int64(time.Millisecond)) + 1
	}
	r.trace.Flush()
	r.dirty = 0
	return -1
}

// keep copies a frame so that it outlives its slot in the ring. The caller has
// made sure that there is room.
func (r *Relay) keep(data []byte) []byte {
	var b []byte
	if n := len(r.spare); n > 0 {
		b, r.spare = r.spare[n-1], r.spare[:n-1]
	}
	b = append(b[:0], data...)
	r.keeping += len(b)
	return b
}
