//go:build linux

package node

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/topology/plan"
)

// offloads are the ethtool commands (linux/ethtool.h) that turn off what would
// make a trace show something else than wire-size segments with valid
// checksums. These old ones take one word each; the new ones want the table of
// feature names read for every device, which takes longer than all the rest of
// making it.
var offloads = []struct {
	cmd  uint32
	name string
}{
	{0x17, "tx-checksumming"}, // ETHTOOL_STXCSUM
	{0x19, "scatter-gather"},  // ETHTOOL_SSG
	{0x1f, "tcp-segmentation-offload"},
	{0x24, "generic-segmentation-offload"},
	{0x2c, "generic-receive-offload"},
}

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct{ cmd, data uint32 }

// ifreqData is struct ifreq with ifr_data set.
type ifreqData struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// noOffloads turns the offloads of a node's devices off, in the calling
// thread's namespace.
func noOffloads(n *plan.Node) (err error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("node %s: open socket for ethtool: %w", n.Name, err)
	}
	defer func() { err = errors.Join(err, unix.Close(fd)) }()
	for _, f := range n.Ports() {
		for _, o := range offloads {
			v := ethtoolValue{cmd: o.cmd}
			r := ifreqData{data: unsafe.Pointer(&v)}
			copy(r.name[:unix.IFNAMSIZ-1], f.Dev)
			_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&r)))
			if errno != 0 {
				return fmt.Errorf("node %s: turn %s of %s off: %w", n.Name, o.name, f.Dev, errno)
			}
		}
	}
	return nil
}
