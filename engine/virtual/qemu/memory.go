//go:build linux

package qemu

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Shared is memory that a machine and this process have mapped. It has no name: it is gone
// with the last of both.
type Shared struct {
	Memory []byte
	file   *os.File
}

// NewShared makes memory of size bytes, all zero. Only what is written takes any.
func NewShared(size int) (*Shared, error) {
	f, err := memoryFile("shared", nil)
	if err != nil {
		return nil, err
	}
	if err := f.Truncate(int64(size)); err != nil {
		return nil, errors.Join(fmt.Errorf("make memory to share: %w", err), f.Close())
	}
	m, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map memory to share: %w", err), f.Close())
	}
	return &Shared{Memory: m, file: f}, nil
}

// Close gives it back. No machine may use it any more.
func (s *Shared) Close() error { return errors.Join(unix.Munmap(s.Memory), s.file.Close()) }

// memoryFile is a file in memory, without a name, that holds data.
func memoryFile(name string, data []byte) (*os.File, error) {
	fd, err := unix.MemfdCreate("netrepro-"+name, unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make a file in memory: %w", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(data); err != nil {
		return nil, errors.Join(fmt.Errorf("write a file in memory: %w", err), f.Close())
	}
	return f, nil
}
