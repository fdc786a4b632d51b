//go:build linux

package bpf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/packet/header"
	"netrepro/engine/testutil/leaks"
)

// loopback makes a namespace in which 127.0.0.1 answers.
func loopback(t *testing.T, name string) *netns.NS {
	t.Helper()
	ns, err := netns.New(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Close() })
	err = ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		req, err := unix.NewIfreq("lo")
		if err != nil {
			return err
		}
		req.SetUint16(unix.IFF_UP)
		return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, req)
	})
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

func cookie(t *testing.T, ns *netns.NS) uint64 {
	t.Helper()
	c, err := ns.Cookie()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// refuse connects to a port where nobody listens.
func refuse(t *testing.T, ns *netns.NS) {
	t.Helper()
	err := ns.Do(func() error {
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		if err := unix.Connect(s, &unix.SockaddrInet4{Port: 80, Addr: [4]byte{127, 0, 0, 1}}); !errors.Is(err,
			unix.ECONNREFUSED) {
			t.Errorf("connect: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func loaded(t *testing.T) *Probe {
	t.Helper()
	leaks.Lab(t)
	p, err := Load()
	if err != nil {
		t.Skipf("needs Linux 6.10, CAP_BPF and CAP_PERFMON: %v", err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestEachRingHearsItsOwnNamespaces(t *testing.T) {
	p := loaded(t)
	for name, err := range p.Missing {
		t.Errorf("%s: %v", name, err)
	}
	watched, other := loopback(t, "watched"), loopback(t, "other")
	mine, err := p.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	defer mine.Close()
	files, err := mine.Files()
	if err != nil {
		t.Fatal(err)
	}
	const first = 200
	handOn(t, first, files)
	for _, f := range files {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	r, err := Open(first, len(files), mine.Names())
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Watch(cookie(t, watched)); err != nil {
		t.Fatal(err)
	}
	refuse(t, other)
	refuse(t, watched)
	refuse(t, other)
	evs, err := r.Drain(0)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []Kind
	for _, e := range evs {
		kinds = append(kinds, e.Kind)
		switch e.Kind {
		case SendReset:
			if e.Reason != "NO_SOCKET" || e.Socket || !e.Passive() ||
				header.TCPDstPort.Get(e.Packet[header.IPv4Size:]) != 80 {
				t.Errorf("reset: %+v", e)
			}
			if f := Functions(e.Stack); len(f) == 0 || f[0] != "tcp_v4_send_reset" ||
				!slices.Contains(f, "tcp_v4_rcv") {
				t.Errorf("stack: %v", f)
			}
		case ReceiveReset:
			if !e.Socket || e.State != "SYN_SENT" || e.Remote.Port() != 80 {
				t.Errorf("received reset: %+v", e)
			}
		case Drop:
			if e.Reason != "NO_SOCKET" || Function(e.Location) != "tcp_v4_rcv" {
				t.Errorf("drop in %s: %+v", Function(e.Location), e)
			}
		}
	}
	if want := []Kind{SendReset, Drop, ReceiveReset}; !slices.Equal(kinds, want) {
		t.Errorf("saw %v, want %v", kinds, want)
	}
	if n, err := r.Lost(); n != 0 || err != nil {
		t.Errorf("lost %d: %v", n, err)
	}
	if err := mine.Release(); err != nil {
		t.Fatal(err)
	}
	refuse(t, watched)
	if evs, err := r.Drain(0); len(evs) != 0 || err != nil {
		t.Errorf("after the release: %v, %v", evs, err)
	}
}

func TestLostEventsAreCounted(t *testing.T) {
	p := loaded(t)
	ns := loopback(t, "busy")
	r, err := p.NewRing()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if err := r.Watch(cookie(t, ns)); err != nil {
		t.Fatal(err)
	}
	const times = 1000 // three events each; the ring takes some 2400
	for range times {
		refuse(t, ns)
	}
	evs, err := r.Drain(0)
	if err != nil {
		t.Fatal(err)
	}
	lost, err := r.Lost()
	if err != nil {
		t.Fatal(err)
	}
	if lost == 0 || len(evs)+int(lost) != 3*times {
		t.Errorf("%d events and %d lost of %d", len(evs), lost, 3*times)
	}
}

// FuzzEvent reads any bytes as an event of the ring.
func FuzzEvent(f *testing.F) {
	f.Add(make([]byte, binary.Size(raw{})))
	f.Add([]byte{1, 2, 3})
	f.Add(bytes.Repeat([]byte{1, 0}, binary.Size(raw{})/2)) // a socket of state 0
	f.Add(bytes.Repeat([]byte{0, 1}, binary.Size(raw{})/2))
	f.Fuzz(func(t *testing.T, b []byte) {
		n := Names{}
		e, err := n.event(b)
		if err != nil {
			return
		}
		var r raw
		if err := binary.Read(bytes.NewReader(b), binary.NativeEndian, &r); err != nil {
			t.Fatalf("% x is %+v, and yet: %v", b, e, err)
		}
		// a socket of no state has no name of it
		if e.Kind.String() == "" && e.Kind != 0 || e.Socket && e.State == "" && r.State != 0 {
			t.Fatalf("% x is %+v", b, e)
		}
	})
}

// TestMute leaves out programs, as a kernel does that does not take them: what
// they report is said to be mute, and nothing else is.
func TestMute(t *testing.T) {
	leaks.Lab(t)
	if p, err := Load(); err != nil {
		t.Skipf("needs Linux 6.10, CAP_BPF and CAP_PERFMON: %v", err)
	} else if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	for program, kind := range kinds {
		p, err := load([]string{program})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range kinds {
			if p.names.Tells(k) != (k != kind) {
				t.Errorf("without %s: %s is told: %v", program, k, p.names.Tells(k))
			}
		}
		if p.names.Whole() == "" {
			t.Errorf("without %s the kernel is a witness of everything", program)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}
