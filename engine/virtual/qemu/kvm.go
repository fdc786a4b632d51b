//go:build linux

package qemu

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// KVM's device, and what it is asked (Linux, include/uapi/linux/kvm.h).
const (
	kvmDevice  = "/dev/kvm"
	kvmVersion = 0xAE00 // KVM_GET_API_VERSION
	kvmCreate  = 0xAE01 // KVM_CREATE_VM
	kvmStable  = 12
)

// KVM is why KVM cannot be used here, nil if it can: then a machine in real time is as fast
// as this one. It makes a machine and gives it back, for a device that opens may still do
// nothing.
func KVM() error { return kvmOf(kvmDevice) }

func kvmOf(device string) error {
	f, err := os.OpenFile(device, os.O_RDWR, 0)
	if err != nil {
		return fmt.Errorf("use KVM: %w", err)
	}
	defer f.Close()
	version, err := unix.IoctlRetInt(int(f.Fd()), kvmVersion)
	if err != nil {
		return fmt.Errorf("use KVM: %s: %w", device, err)
	}
	if version != kvmStable {
		return fmt.Errorf("use KVM: %s has version %d, not %d", device, version, kvmStable)
	}
	vm, err := unix.IoctlRetInt(int(f.Fd()), kvmCreate)
	for errors.Is(err, unix.EINTR) { // Go's own signals come at any time
		vm, err = unix.IoctlRetInt(int(f.Fd()), kvmCreate)
	}
	if err != nil {
		return fmt.Errorf("use KVM: make a machine: %w", err)
	}
	if err := unix.Close(vm); err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("use KVM: %w", err)
	}
	return nil
}
