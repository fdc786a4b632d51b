//go:build linux

package probe

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
	reader            *ringbuf.Reader
	watched           []uint32
}

// NewRing makes the ring of one case, to be used here or, by its [Ring.Files],
// in another process.
func (p *Probe) NewRing() (*Ring, error) {
	m, err := ebpf.NewMap(&ebpf.MapSpec{Name: "ring", Type: ebpf.RingBuf, MaxEntries: ringSize})
	if err != nil {
		return nil, fmt.Errorf("make ring of events: %w", err)
	}
	r := &Ring{ring: m, names: p.names}
	if r.rings, err = p.rings.Clone(); err == nil {
		r.lost, err = p.lost.Clone()
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make ring of events: %w", err), r.Close())
	}
	return r, nil
}

// Files are descriptors for [Open] in another process, in its order. They are
// the caller's to close.
func (r *Ring) Files() ([]*os.File, error) {
	var out []*os.File
	for _, m := range []*ebpf.Map{r.rings, r.lost, r.ring} {
		fd, err := unix.FcntlInt(uintptr(m.FD()), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return nil, fmt.Errorf("hand on ring of events: %w", err)
		}
		out = append(out, os.NewFile(uintptr(fd), "map"))
	}
	return out, nil
}

// Names are the names that go with the files.
func (r *Ring) Names() Names { return r.names }

// Open takes over a ring from the descriptors that [Ring.Files] gave, the first
// of which is fd.
func Open(fd int, names Names) (*Ring, error) {
	r := &Ring{names: names}
	for i, m := range []**ebpf.Map{&r.rings, &r.lost, &r.ring} {
		unix.CloseOnExec(fd + i)
		var err error
		if *m, err = ebpf.NewMapFromFD(fd + i); err != nil {
			return nil, errors.Join(fmt.Errorf("take over ring of events: %w", err), r.Close())
		}
	}
	return r, nil
}

// Watch begins to take the events of a network namespace, given by a descriptor
// of it.
func (r *Ring) Watch(ns int) error {
	inum, err := Inum(ns)
	if err != nil {
		return err
	}
	if r.reader == nil {
		if r.reader, err = ringbuf.NewReader(r.ring); err != nil {
			return fmt.Errorf("read ring of events: %w", err)
		}
	}
	if err := r.rings.Put(inum, r.ring); err != nil {
		return fmt.Errorf("watch network namespace %d: %w", inum, err)
	}
	r.watched = append(r.watched, inum)
	return nil
}

// Inum is the number by which the kernel knows the network namespace behind a
// descriptor.
func Inum(ns int) (uint32, error) {
	var st unix.Stat_t
	if err := unix.Fstat(ns, &st); err != nil {
		return 0, fmt.Errorf("number of network namespace: %w", err)
	}
	return uint32(st.Ino), nil
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
		r.reader.SetDeadline(time.Unix(1, 0)) // for more it does not wait
	}
}

// Lost is how many events of the watched namespaces found the ring full.
func (r *Ring) Lost() (uint64, error) {
	var sum uint64
	for _, inum := range r.watched {
		var n uint64
		if err := r.lost.Lookup(inum, &n); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
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
	var inum, at uint32
	var mine []uint32
	for it := r.rings.Iterate(); it.Next(&inum, &at); {
		if at == uint32(id) {
			mine = append(mine, inum)
		}
	}
	var errs []error
	for _, inum := range mine {
		for _, m := range []*ebpf.Map{r.rings, r.lost} {
			if err := m.Delete(inum); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
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
	r.reader = nil
	return errors.Join(errs...)
}
