// Package channel is how a virtual machine and the process that started it speak: through
// memory that both have mapped. The job goes in before the machine starts; what the machine
// says grows behind it, record by record; and where somebody looks into a case, commands stand
// at the end, one at a time. Nothing interrupts the machine for it, so that it does not
// change what the machine does.
//
// Invariant: what a reader is given was written whole; no bytes of a machine make it panic.
package channel

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"
)

// Size is how much memory both have mapped. Only what is written takes any.
const Size = 512 << 20

// Where things stand.
const (
	jobLength     = 0
	saidLength    = 8
	commandCount  = 16 // how many commands there were
	commandLength = 24
	jobAt         = 4096
	headLength    = 5        // of a record: its kind, and how long it is
	commandRoom   = 16 << 10 // at the end of the memory
)

// Record is one thing that a machine says.
type Record struct {
	Kind byte
	Body []byte
}

// ErrFull says that there is no room for more.
var ErrFull = errors.New("the memory between the virtual machine and its host is full")

// ErrDamaged says that a machine wrote what is no record.
var ErrDamaged = errors.New("the virtual machine wrote over the memory that it speaks through")

// PutJob writes what a machine is to do into memory that is all zero.
func PutJob(mem, job []byte) error {
	if len(job) > len(mem)/2 {
		return fmt.Errorf("give the virtual machine its job, %d MB: %w", len(job)>>20, ErrFull)
	}
	copy(mem[jobAt:], job)
	binary.LittleEndian.PutUint64(mem[jobLength:], uint64(len(job)))
	return nil
}

// Job is what PutJob wrote.
func Job(mem []byte) ([]byte, error) {
	n, err := jobSize(mem)
	if err != nil {
		return nil, err
	}
	return append([]byte(nil), mem[jobAt:jobAt+n]...), nil
}

func jobSize(mem []byte) (int, error) {
	if len(mem) <= jobAt {
		return 0, ErrDamaged
	}
	n := binary.LittleEndian.Uint64(mem[jobLength:])
	if n > uint64(len(mem)-jobAt) {
		return 0, ErrDamaged
	}
	return int(n), nil
}

// spoken is where the machine says how much it has said.
func spoken(mem []byte) *uint64 { return (*uint64)(unsafe.Pointer(&mem[saidLength])) }

// said is the part of the memory that the machine speaks through.
func said(mem []byte) ([]byte, error) {
	n, err := jobSize(mem)
	if err != nil {
		return nil, err
	}
	end := max(len(mem)-commandRoom, 0)
	return mem[min((jobAt+n+63)&^63, end):end], nil
}

// Writer is the machine's side.
type Writer struct {
	mem, to []byte
	at      int
}

// NewWriter speaks through memory that holds a job.
func NewWriter(mem []byte) (*Writer, error) {
	to, err := said(mem)
	if err != nil {
		return nil, err
	}
	return &Writer{mem: mem, to: to}, nil
}

// Say adds a record.
func (w *Writer) Say(kind byte, body []byte) error {
	if len(body) > len(w.to)-w.at-headLength {
		return ErrFull
	}
	w.to[w.at] = kind
	binary.LittleEndian.PutUint32(w.to[w.at+1:], uint32(len(body)))
	copy(w.to[w.at+headLength:], body)
	w.at += headLength + len(body)
	atomic.StoreUint64(spoken(w.mem), uint64(w.at)) // the record is whole before it is there
	return nil
}

// Reader is the host's side.
type Reader struct {
	mem, from []byte
	at        int
}

// NewReader listens to memory that a job was put into.
func NewReader(mem []byte) (*Reader, error) {
	from, err := said(mem)
	if err != nil {
		return nil, err
	}
	return &Reader{mem: mem, from: from}, nil
}

// Next returns the next record; ok is false if there is none yet.
func (r *Reader) Next() (rec Record, ok bool, err error) {
	n := atomic.LoadUint64(spoken(r.mem))
	switch {
	case n == uint64(r.at):
		return rec, false, nil
	case n > uint64(len(r.from)) || n < uint64(r.at)+headLength:
		return rec, false, ErrDamaged
	}
	length := uint64(binary.LittleEndian.Uint32(r.from[r.at+1:]))
	if length > n-uint64(r.at)-headLength {
		return rec, false, ErrDamaged
	}
	rec.Kind = r.from[r.at]
	rec.Body = append([]byte(nil), r.from[r.at+headLength:r.at+headLength+int(length)]...)
	r.at += headLength + int(length)
	return rec, true, nil
}

// PutCommand has the machine do something. The one before must have been taken.
func PutCommand(mem, text []byte) error {
	if len(text) > commandRoom || len(mem) < jobAt+commandRoom {
		return fmt.Errorf("give the virtual machine a command of %d bytes: at most %d: %w", len(text), commandRoom, ErrFull)
	}
	copy(mem[len(mem)-commandRoom:], text)
	binary.LittleEndian.PutUint64(mem[commandLength:], uint64(len(text)))
	count := (*uint64)(unsafe.Pointer(&mem[commandCount]))
	atomic.StoreUint64(count, atomic.LoadUint64(count)+1) // the command is whole before it is there
	return nil
}

// Command is the command that was put after the first taken ones; ok is false if there is none yet.
func Command(mem []byte, taken uint64) (text []byte, ok bool, err error) {
	if len(mem) < jobAt+commandRoom {
		return nil, false, ErrDamaged
	}
	if atomic.LoadUint64((*uint64)(unsafe.Pointer(&mem[commandCount]))) <= taken {
		return nil, false, nil
	}
	n := binary.LittleEndian.Uint64(mem[commandLength:])
	if n > commandRoom {
		return nil, false, ErrDamaged
	}
	at := len(mem) - commandRoom
	return append([]byte(nil), mem[at:at+int(n)]...), true, nil
}
