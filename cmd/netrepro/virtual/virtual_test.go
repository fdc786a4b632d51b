//go:build linux

package virtual

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/runner"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/testutil/elffile"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		v    Flags
		o    runner.Options
		want string
	}{
		{Flags{exact: true, time: "virtual"}, runner.Options{}, ""},
		{Flags{exact: true, time: "real"}, runner.Options{}, "--exact is about virtual time"},
		{Flags{exact: true, time: "virtual"}, runner.Options{Keep: true}, "leave out --vm"},
		{Flags{kernels: []string{"6.1"}, time: "soon"}, runner.Options{}, "--time is virtual or real"},
	} {
		tt.v.memory, tt.v.patience = 512, 1
		err := tt.v.Check(&tt.o)
		if tt.want == "" && (err != nil || !tt.v.On) || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%+v: %v", tt.v, err)
		}
	}
}

// TestMachine has the history compare virtual machines with each other.
func TestMachine(t *testing.T) {
	here := fingerprint.Machine{Kernel: "host", Program: "netrepro", Processors: 64}
	if m := (&Flags{}).Machine(t.Context(), here); fingerprint.Differs(m, here) != "" {
		t.Errorf("without a virtual machine: %+v", m)
	}
	root := t.TempDir()
	kernel := string(elffile.Make(nil, elffile.Section{Name: ".text", Data: []byte("Linux version 6.1.0-test (x)\x00")}))
	for name, text := range map[string]string{"boot/vmlinuz-6.1.0-test": kernel, "lib/modules/6.1.0-test/modules.dep": ""} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "qemu-system-x86_64"), []byte("#!/bin/sh\necho QEMU 9\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin+":/bin:/usr/bin")
	v := Flags{On: true, kernels: []string{root}, time: "virtual", memory: 512}
	m := v.Machine(t.Context(), here)
	if m.Kernel != "6.1.0-test" || m.Processors != 1 || m.Program != "netrepro" || m.Settings["virtual machine"] != "QEMU 9" {
		t.Errorf("%+v", m)
	}
}
