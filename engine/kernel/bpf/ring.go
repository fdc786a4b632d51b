//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/ringbuf"
	"golang.org/x/sys/unix"
)

// Ring takes the events of one case: those of the network namespaces that it
// watches.
type Ring struct {
	rings, lost, ring *ebpf.Map
	names             Names
	symbols           *publication  // the probe's, or
	others            *subscription // to that of another process
	programs          []*ebpf.Program
	reader            *ringbuf.Reader
	watched           []uint64
	missed            uint64 // by the programs, before anything was watched
}

// NewRing makes the ring of one case, to be used here or, by its [Ring.Files],
// in another process.
func (p *Probe) NewRing() (*Ring, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		return nil, fmt.Errorf("make ring of events: %w", err)
	}
	r := &Ring{ring: m, names: p.names, symbols: p.symbols}
	if r.rings, err = p.rings.Clone(); err == nil {
		r.lost, err = p.lost.Clone()
	}
	for i := 0; err == nil && i < len(p.programs); i++ {
		var c *ebpf.Program
		if c, err = p.programs[i].Clone(); err == nil {
			r.programs = append(r.programs, c)
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make ring of events: %w", err), r.Close())
	}
	return r, nil
}

// Files are descriptors for [Open] in another process, in its order: the kernel's
// symbols, which are read once for all, the maps and the programs. They are
// the caller's to close.
func (r *Ring) Files() ([]*os.File, error) {
	var fds []int
	for _, f := range r.symbols.files() {
		fds = append(fds, int(f.Fd()))
	}
	fds = append(fds, r.rings.FD(), r.lost.FD(), r.ring.FD())
	for _, p := range r.programs {
		fds = append(fds, p.FD())
	}
	var out []*os.File
	for _, fd := range fds {
		fd, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			for _, f := range out {
				_ = f.Close() // the error before tells more
			}
			return nil, fmt.Errorf("pass on the ring of events: %w", err)
		}
		out = append(out, os.NewFile(uintptr(fd), "bpf"))
	}
	return out, nil
}

// Names are the names that go with the files.
func (r *Ring) Names() Names { return r.names }

// Open takes over a ring from the descriptors that [Ring.Files] gave: so many
// from fd on.
func Open(fd, files int, names Names) (*Ring, error) {
	r := &Ring{names: names}
	for i := range files {
		unix.CloseOnExec(fd + i)
	}
	r.others = subscribe(fd)
	shared = r.others
	fd, files = fd+subscriptionFiles, files-subscriptionFiles
	maps := []**ebpf.Map{&r.rings, &r.lost, &r.ring}
	for i := range files {
		var err error
		if i < len(maps) {
			*maps[i], err = ebpf.NewMapFromFD(fd + i)
		} else {
			var p *ebpf.Program
			if p, err = ebpf.NewProgramFromFD(fd + i); err == nil {
				r.programs = append(r.programs, p)
			}
		}
		if err != nil {
			return nil, errors.Join(fmt.Errorf("take over ring of events: %w", err), r.Close())
		}
	}
	return r, nil
}

// Watch begins to take the events of the network namespace that has this cookie
// ([netrepro/engine/netns.NS.Cookie]).
func (r *Ring) Watch(netns uint64) (err error) {
	if r.reader == nil {
		if r.missed, err = r.misses(); err != nil {
			return err
		}
		if r.reader, err = ringbuf.NewReader(r.ring); err != nil {
			return fmt.Errorf("read ring of events: %w", err)
		}
	}
	if err := r.rings.Put(netns, r.ring); err != nil {
		return fmt.Errorf("watch network namespace %d: %w", netns, err)
	}
	r.watched = append(r.watched, netns)
	return nil
}

// misses is how often a program was not run since it was loaded: the kernel does
// not let it interrupt itself.
func (r *Ring) misses() (n uint64, err error) {
	for _, p := range r.programs {
		s, err := p.Stats()
		if err != nil {
			return 0, fmt.Errorf("count missed events: %w", err)
		}
		n += s.RecursionMisses
	}
	return n, nil
}

// Drain returns the events since the last call, in the order they happened on
// each processor. It waits so long for the first.
func (r *Ring) Drain(wait time.Duration) ([]Event, error) {
	if r.reader == nil {
		return nil, nil
	}
	var out []Event
	r.reader.SetDeadline(time.Now().Add(wait))
	for {
		var rec ringbuf.Record
		err := r.reader.ReadInto(&rec)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("read ring of events: %w", err)
		}
		e, err := r.names.event(rec.RawSample)
		if err != nil {
			return out, err
		}
		out = append(out, e)
		if len(out) == 1 {
			r.reader.SetDeadline(time.Unix(1, 0)) // for more it does not wait
		}
	}
}

// Lost is how many events of the watched namespaces may be missing: those that
// found the ring full, and those, wherever they happened, that came while their
// program was at work on the same processor.
func (r *Ring) Lost() (uint64, error) {
	sum, err := r.misses()
	if err != nil {
		return 0, err
	}
	sum -= r.missed
	for _, netns := range r.watched {
		var n uint64
		if err := r.lost.Lookup(netns, &n); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return 0, fmt.Errorf("count lost events: %w", err)
		}
		sum += n
	}
	return sum, nil
}

// Release ends the watching of every namespace whose events go into r, whoever
// began it.
func (r *Ring) Release() error {
	info, err := r.ring.Info()
	if err != nil {
		return fmt.Errorf("release ring of events: %w", err)
	}
	id, ok := info.ID()
	if !ok {
		return errors.New("release ring of events: it has no number")
	}
	var netns uint64
	var at uint32
	var mine []uint64
	it := r.rings.Iterate()
	for it.Next(&netns, &at) {
		if at == uint32(id) {
			mine = append(mine, netns)
		}
	}
	errs := []error{it.Err()}
	for _, netns := range mine {
		for _, m := range []*ebpf.Map{r.rings, r.lost} {
			if err := m.Delete(netns); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// Close lets go of the ring. Closing twice is harmless.
func (r *Ring) Close() error {
	var errs []error
	if r.reader != nil {
		errs = append(errs, r.reader.Close())
	}
	for _, m := range []*ebpf.Map{r.rings, r.lost, r.ring} {
		errs = append(errs, m.Close()) // closing nil is none
	}
	for _, p := range r.programs {
		errs = append(errs, p.Close())
	}
	errs = append(errs, r.others.Close())
	r.reader, r.programs = nil, nil
	return errors.Join(errs...)
}
