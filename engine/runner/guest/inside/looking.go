//go:build linux

package inside

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/runner"
	"netrepro/engine/runner/guest/protocol"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/channel"
)

// looking is the machine's side of somebody who looks into a case: commands come through
// the memory that both have mapped, and what programs write goes back through it.
type looking struct {
	*speaker
	virtual bool
	taken   uint64 // commands
	mu      sync.Mutex
	out     int // where programs' output is read
}

// ask is how often it is looked whether there is a command, where time is real.
const ask = 10 * time.Millisecond

// look has cases stand still where a job says.
func (s *speaker) look(j *protocol.Job, o *runner.Options) error {
	if len(j.Stops) == 0 {
		return nil
	}
	var ends [2]int
	if err := unix.Pipe2(ends[:], unix.O_CLOEXEC); err != nil {
		return fmt.Errorf("make a pipe for programs: %w", err)
	}
	if err := unix.SetNonblock(ends[0], true); err != nil {
		return fmt.Errorf("make a pipe for programs: %w", err)
	}
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	out := os.NewFile(uintptr(ends[1]), "output")
	l := &looking{speaker: s, virtual: j.Virtual, out: ends[0]}
	o.Look = &runner.Look{At: j.Stops, Talk: l.talk, Terminal: []*os.File{nothing, out, out}}
	go l.pass()
	return nil
}

// talk tells the host what happens, and takes a command from it where a case stands still.
func (l *looking) talk(e session.Event, send func(session.Command) error) error {
	err := l.flush() // what a program wrote, it wrote before it ended
	if err == nil {
		err = l.say(protocol.SaysLook, protocol.Message{Event: &e})
	}
	if err != nil || !e.Asks() {
		return err
	}
	for {
		text, ok, err := channel.Command(l.mem, l.taken)
		if err != nil {
			return err
		}
		if ok {
			l.taken++
			var c session.Command
			if err := json.Unmarshal(text, &c); err != nil {
				return fmt.Errorf("read command: %w", err)
			}
			return send(c)
		}
		// In virtual time the host stops the machine meanwhile, and a sleep would let hours go by.
		if !l.virtual {
			time.Sleep(ask)
		}
	}
}

// pass passes on what programs write, as they write it.
func (l *looking) pass() {
	for {
		_, err := unix.Poll([]unix.PollFd{{Fd: int32(l.out), Events: unix.POLLIN}}, -1)
		if err == nil {
			err = l.flush()
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil && !errors.Is(err, unix.EINTR):
			l.note(err)
			return
		}
	}
}

// flush passes on all that programs have written.
func (l *looking) flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := make([]byte, 32<<10)
	for {
		n, err := unix.Read(l.out, b)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return nil
		case err != nil:
			return fmt.Errorf("read what a program wrote: %w", err)
		case n == 0:
			return io.EOF // no program has it any more
		}
		if err := l.put(protocol.SaysWrote, b[:n]); err != nil {
			return err
		}
	}
}
