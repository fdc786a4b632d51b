//go:build linux

package kernel

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab/netns"
)

// Socket is what the kernel tells of a socket (sock_diag(7)).
type Socket struct {
	Proto         string // "tcp" or "udp"
	State         string // a TCP state; UDP has ESTABLISHED if connected, else CLOSE
	Local, Remote netip.AddrPort
	// RecvQueue and SendQueue are bytes not read and not acknowledged. Of a
	// listener they are how many connections wait to be accepted and how many
	// may.
	RecvQueue, SendQueue uint32
	// Timer is what the kernel waits for: "retransmit", "keepalive",
	// "timewait", "probe", empty for nothing; Expires is how long yet, Retrans
	// how often it has run out.
	Timer   string
	Expires time.Duration
	Retrans int
	UID     int
	Inode   uint32 // 0 if no program has it: an orphan, or in TIME_WAIT
	// Owner is the program that has it open, empty if none of this case's has.
	Owner string
	Pid   int
	Info  *netlink.TCPInfo // TCP_INFO, nil of what is no whole TCP socket
}

// timerNames are those of idiag_timer (inet_sk_diag_fill).
var timerNames = map[uint8]string{1: "retransmit", 2: "keepalive", 3: "timewait", 4: "probe", 5: "retransmit"}

// ReadSockets lists the sockets of a namespace, TCP's and UDP's of both versions
// of IP, with the programs that have them open.
func ReadSockets(ns *netns.NS) ([]Socket, error) {
	out, err := list(ns)
	own(out)
	return out, err
}

// diag asks for the sockets of a namespace.
func diag(ns *netns.NS) (*netlink.Handle, error) {
	var h *netlink.Handle
	err := ns.Do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_INET_DIAG)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list sockets of %s: %w", ns.Name(), err)
	}
	return h, nil
}

// list reads sockets without their owners, which takes much longer.
func list(ns *netns.NS) ([]Socket, error) {
	h, err := diag(ns)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var out []Socket
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		tcp, err := h.SocketDiagTCPInfo(family)
		if err != nil {
			return nil, fmt.Errorf("list TCP sockets of %s: %w", ns.Name(), err)
		}
		for _, s := range tcp {
			k := socketOf("tcp", s.InetDiagMsg)
			k.Info = s.TCPInfo
			out = append(out, k)
		}
		udp, err := h.SocketDiagUDP(family)
		if err != nil {
			return nil, fmt.Errorf("list UDP sockets of %s: %w", ns.Name(), err)
		}
		for _, s := range udp {
			out = append(out, socketOf("udp", s))
		}
	}
	return out, nil
}

func socketOf(proto string, s *netlink.Socket) Socket {
	addr := func(ip []byte, port uint16) netip.AddrPort {
		a, _ := netip.AddrFromSlice(ip)
		return netip.AddrPortFrom(a.Unmap(), port)
	}
	return Socket{Proto: proto, State: bpf.State(s.State), Local: addr(s.ID.Source, s.ID.SourcePort),
		Remote:    addr(s.ID.Destination, s.ID.DestinationPort),
		RecvQueue: s.RQueue, SendQueue: s.WQueue, Timer: timerNames[s.Timer],
		Expires: time.Duration(s.Expires) * time.Millisecond, Retrans: int(s.Retrans),
		UID: int(s.UID), Inode: s.INode}
}

// own finds the programs that have sockets open, by their descriptors.
func own(sockets []Socket) {
	by := map[string]*Socket{}
	for i := range sockets {
		if s := &sockets[i]; s.Inode != 0 {
			by[fmt.Sprintf("socket:[%d]", s.Inode)] = s
		}
	}
	fds, err := filepath.Glob("/proc/[0-9]*/fd/*")
	if err != nil {
		return // a bad pattern, which it is not
	}
	for _, fd := range fds {
		target, err := os.Readlink(fd)
		s := by[target]
		if err != nil || s == nil { // it was closed meanwhile, or is none of ours
			continue
		}
		dir, _, _ := strings.Cut(strings.TrimPrefix(fd, "/proc/"), "/")
		name, err := os.ReadFile("/proc/" + dir + "/comm")
		if err != nil {
			continue
		}
		s.Owner = strings.TrimSpace(string(name))
		_, _ = fmt.Sscan(dir, &s.Pid) // the pattern says that it is a number
	}
}
