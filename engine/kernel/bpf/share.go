//go:build linux

package bpf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"golang.org/x/sys/unix"
)

// publication has symbols read once for many processes, when the first of them
// asks: they are in file once ready has come to its end.
type publication struct {
	file, ready, ask *os.File // for the others
	asked            *os.File
	written          chan struct{}
}

// publish makes a publication of what read returns.
func publish(read func() symbols) (_ *publication, err error) {
	p := &publication{written: make(chan struct{})}
	var done *os.File
	defer func() {
		if err != nil {
			err = fmt.Errorf("share the kernel's symbols: %w", errors.Join(err, p.closeFiles()))
		}
	}()
	fd, err := unix.MemfdCreate("symbols", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	p.file = os.NewFile(uintptr(fd), "symbols")
	if p.asked, p.ask, err = os.Pipe(); err != nil {
		return nil, err
	}
	if p.ready, done, err = os.Pipe(); err != nil {
		return nil, err
	}
	go func() {
		defer close(p.written)
		defer done.Close()
		if n, _ := p.asked.Read(make([]byte, 1)); n > 0 {
			_, _ = p.file.Write(read()) // who finds it short knows no names
		}
		_ = p.asked.Close() // whoever asks now need not
	}()
	return p, nil
}

// files are for a subscription in another process, in its order.
func (p *publication) files() []*os.File { return []*os.File{p.file, p.ready, p.ask} }

// Close ends the publication; nobody may ask any more.
func (p *publication) Close() error {
	_ = p.asked.Close() // it may be closed already
	<-p.written
	return p.closeFiles()
}

func (p *publication) closeFiles() error {
	var errs []error
	for _, f := range p.files() {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// subscriptionFiles is how many files a publication hands on.
const subscriptionFiles = 3

// subscription is another process's end of a publication.
type subscription struct {
	mu               sync.Mutex
	file, ready, ask *os.File
}

// subscribe takes over the files of a publication, which begin with the
// descriptor fd.
func subscribe(fd int) *subscription {
	return &subscription{file: os.NewFile(uintptr(fd), "symbols"), ready: os.NewFile(uintptr(fd+1), "ready"),
		ask: os.NewFile(uintptr(fd+2), "ask")}
}

// read asks for the symbols, waits for them and maps them. They are empty where
// there are none, and once the subscription is closed.
func (s *subscription) read() symbols {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	_, _ = s.ask.Write([]byte{1}) // an error means that they are there
	if _, err := io.Copy(io.Discard, s.ready); err != nil {
		return nil
	}
	st, err := s.file.Stat()
	if err != nil || st.Size() == 0 {
		return nil
	}
	b, err := unix.Mmap(int(s.file.Fd()), 0, int(st.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil
	}
	return b
}

// Close closes the files; what was read stays. Closing nil, or twice, is
// harmless.
func (s *subscription) Close() error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return nil
	}
	err := errors.Join(s.file.Close(), s.ready.Close(), s.ask.Close())
	s.file = nil
	return err
}
