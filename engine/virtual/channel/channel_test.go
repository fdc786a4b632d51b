package channel

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

func TestChannel(t *testing.T) {
	mem := make([]byte, 32<<10)
	if err := PutJob(mem, []byte("do this")); err != nil {
		t.Fatal(err)
	}
	if job, err := Job(mem); err != nil || string(job) != "do this" {
		t.Errorf("the job is %q, %v", job, err)
	}
	w, err := NewWriter(mem)
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReader(mem)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := r.Next(); ok || err != nil {
		t.Errorf("something was said: %v", err)
	}
	for _, text := range []string{"a", "", "longer"} {
		if err := w.Say('x', []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"a", "", "longer"} {
		if rec, ok, err := r.Next(); !ok || err != nil || rec.Kind != 'x' || string(rec.Body) != text {
			t.Errorf("got %v, %v, %v, want %q", rec, ok, err, text)
		}
	}
	if _, ok, err := r.Next(); ok || err != nil {
		t.Errorf("more was said: %v", err)
	}
	if err := w.Say('x', make([]byte, len(mem))); !errors.Is(err, ErrFull) {
		t.Errorf("too much: %v", err)
	}
}

func TestTooLarge(t *testing.T) {
	if err := PutJob(make([]byte, 8192), make([]byte, 8000)); !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
}

// TestCommand takes each command once, and none that is too long or damaged.
func TestCommand(t *testing.T) {
	mem := make([]byte, 32<<10)
	if _, ok, err := Command(mem, 0); ok || err != nil {
		t.Errorf("there is a command: %v", err)
	}
	for i, text := range []string{"one", "", "another"} {
		if err := PutCommand(mem, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, ok, err := Command(mem, uint64(i)); !ok || err != nil || string(got) != text {
			t.Errorf("got %q, %v, %v, want %q", got, ok, err, text)
		}
		if _, ok, err := Command(mem, uint64(i+1)); ok || err != nil {
			t.Errorf("it is there twice: %v", err)
		}
	}
	if err := PutCommand(mem, make([]byte, commandRoom+1)); !errors.Is(err, ErrFull) {
		t.Errorf("too long: %v", err)
	}
	binary.LittleEndian.PutUint64(mem[commandLength:], 1<<40)
	if _, _, err := Command(mem, 0); !errors.Is(err, ErrDamaged) {
		t.Errorf("damaged: %v", err)
	}
	// What a machine says does not reach where commands stand.
	w, err := NewWriter(mem)
	if err != nil {
		t.Fatal(err)
	}
	for w.Say('x', make([]byte, 100)) == nil {
	}
	if got := mem[len(mem)-commandRoom:][:7]; string(got) != "another" {
		t.Errorf("the command became %q", got)
	}
}

// FuzzReader gives the host whatever a machine may have written.
func FuzzReader(f *testing.F) {
	f.Add(uint64(3), uint64(12), []byte("x\x02\x00\x00\x00hi"))
	f.Add(uint64(1<<63), uint64(1<<63), []byte{})
	f.Fuzz(func(t *testing.T, job, said uint64, b []byte) {
		mem := make([]byte, jobAt+4096+commandRoom)
		copy(mem[jobAt:], b)
		binary.LittleEndian.PutUint64(mem[jobLength:], job)
		binary.LittleEndian.PutUint64(mem[saidLength:], said)
		r, err := NewReader(mem)
		if err != nil {
			return
		}
		var all bytes.Buffer
		for {
			rec, ok, err := r.Next()
			if err != nil || !ok {
				break
			}
			all.Write(rec.Body)
		}
		if all.Len() > len(mem) {
			t.Errorf("%d bytes came of %d", all.Len(), len(mem))
		}
	})
}
