//go:build linux

package bpf

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/testutil/leaks"
)

// handOn gives files to another process, so to speak: one after the other from
// the descriptor first on.
func handOn(t *testing.T, first int, files []*os.File) {
	t.Helper()
	for i, f := range files {
		if err := unix.Dup3(int(f.Fd()), first+i, unix.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
}

// another is a subscription to p as another process has it.
func another(t *testing.T, p *publication) *subscription {
	t.Helper()
	const first = 240
	handOn(t, first, p.files())
	return subscribe(first)
}

func TestSymbolsAreReadOnceForAll(t *testing.T) {
	leaks.Lab(t)
	want := parseSymbols([]byte("ffffffff81000000 T first\n"), 0)
	times := 0
	p, err := publish(func() symbols { times++; return want })
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		s := another(t, p)
		if got := s.read(); string(got) != string(want) {
			t.Errorf("read %d symbols, want %d", got.len(), want.len())
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if got := s.read(); got.len() != 0 {
			t.Errorf("closed, it reads %d symbols", got.len())
		}
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if times != 1 {
		t.Errorf("they were read %d times", times)
	}
}

func TestSymbolsThatNobodyAsksForAreNotRead(t *testing.T) {
	leaks.Lab(t)
	p, err := publish(func() symbols { t.Error("they were read"); return nil })
	if err != nil {
		t.Fatal(err)
	}
	s := another(t, p)
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if got := s.read(); got.len() != 0 {
		t.Errorf("read %d symbols of nobody", got.len())
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
