//go:build linux

package qemu

import (
	"errors"
	"strings"
	"testing"
)

// TestFindMissing names the package where QEMU is not there.
func TestFindMissing(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, _, err := Find(t.Context())
	if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), "install the package "+Package) {
		t.Errorf("got %v", err)
	}
}

// TestArgs holds virtual time to what makes two machines alike.
func TestArgs(t *testing.T) {
	args := strings.Join(Args(Config{Memory: 512, Args: "x"}, 1<<20), " ")
	for _, want := range []string{"-smp 1", "-icount shift=0,sleep=off,align=off,rr=record,rrfile=/dev/null",
		"-rtc base=2020-01-01,clock=vm", "-seed 1", "-accel tcg", "norandmaps nokaslr", "cryptomgr.notests", "clearcpuid=141",
		"-nodefaults"} {
		if !strings.Contains(args, want) {
			t.Errorf("%s is not in %s", want, args)
		}
	}
	real := strings.Join(Args(Config{Memory: 512, Real: true}, 1<<20), " ")
	if strings.Contains(real, "icount") || strings.Contains(real, "2020") {
		t.Errorf("real time has %s", real)
	}
}

func TestTail(t *testing.T) {
	var s tail
	for range 3 {
		if n, err := s.Write(make([]byte, mostSaid)); n != mostSaid || err != nil {
			t.Fatal(n, err)
		}
	}
	_, _ = s.Write([]byte("the end"))
	if got := s.String(); len(got) != mostSaid || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes are kept", len(got))
	}
}

func TestShared(t *testing.T) {
	s, err := NewShared(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	s.Memory[1<<20-1] = 1
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestKVM says why KVM cannot be used.
func TestKVM(t *testing.T) {
	for device, want := range map[string]string{"/dev/netrepro-none": "no such file", "/dev/null": "/dev/null: "} {
		if err := kvmOf(device); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", device, err)
		}
	}
	if accel := strings.Join(Args(Config{Memory: 512, Real: true}, 1<<20), " "); strings.Contains(accel, "-accel kvm") !=
		(KVM() == nil) {
		t.Errorf("%v, and %s", KVM(), accel)
	}
}
