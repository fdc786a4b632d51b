//go:build linux

package ring

import (
	"fmt"
	"sync/atomic"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netrepro/engine/packet/header"
)

// Frame slots start with a tpacket2_hdr and, aligned behind it, a sockaddr_ll
// (linux/if_packet.h); with SOCK_RAW on Ethernet the frame itself begins 66
// bytes in.
const (
	slotHeader = 80
	slotAddr   = 32
	addrIndex  = 4 // of sll_ifindex in sockaddr_ll
	blockSize  = 64 << 10
	// linkSlack is a link header and what a device accepts beyond it and its MTU.
	linkSlack = header.EthernetSize + header.TagSize
	// maxBytes bounds the memory of a ring.
	maxBytes = 64 << 20
	// Slots of a ring: what may wait while the host keeps the relay from running.
	minSlots, slotsPerWire, maxSlots = 8192, 256, 16384
)

// Ring is a packet socket that receives from every device of its namespace
// into memory shared with the kernel (TPACKET_V2: one slot a frame, with the
// kernel's own receive time stamp) and sends without a queueing discipline.
//
// One socket serves all wires: frames come in the order they arrived, and
// closing costs two RCU grace periods once instead of once a device.
type Ring struct {
	fd       int
	mem      []byte
	slot     int // bytes
	perBlock int
	slots    int
	next     int // slot to read next
	held     int // slots read and not yet given back
	crowd
}

// Open opens a ring in the calling thread's namespace, for so many wires whose
// largest MTU is mtu bytes. It takes an RCU grace period, some milliseconds, for the
// kernel to set the ring up, and needs no device to be there yet.
func Open(wires, mtu int) (_ *Ring, err error) {
	slots := min(max(minSlots, slotsPerWire*wires), maxSlots)
	// Protocol 0 keeps frames out until the ring stands.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open packet socket: %w", err)
	}
	r := &Ring{fd: fd, crowd: crowd{queues: map[int32]*int{}}}
	defer func() {
		if err != nil {
			r.Close()
		}
	}()
	for _, o := range [...]struct{ name, value int }{
		{unix.PACKET_VERSION, unix.TPACKET_V2},
		{unix.PACKET_IGNORE_OUTGOING, 1},
		{unix.PACKET_QDISC_BYPASS, 1},
	} {
		if err := unix.SetsockoptInt(fd, unix.SOL_PACKET, o.name, o.value); err != nil {
			return nil, fmt.Errorf("set packet socket option %d: %w", o.name, err)
		}
	}
	r.slot = (slotHeader + linkSlack + mtu + 2047) &^ 2047
	size := max(blockSize, (r.slot+4095)&^4095)
	r.perBlock = size / r.slot
	slots = min(slots, maxBytes/r.slot)
	blocks := (slots + r.perBlock - 1) / r.perBlock
	r.slots = blocks * r.perBlock
	r.fates = make([]fate, r.slots)
	req := unix.TpacketReq{Block_size: uint32(size), Block_nr: uint32(blocks),
		Frame_size: uint32(r.slot), Frame_nr: uint32(r.slots)}
	if err := unix.SetsockoptTpacketReq(fd, unix.SOL_PACKET, unix.PACKET_RX_RING, &req); err != nil {
		return nil, fmt.Errorf("set up packet ring: %w", err)
	}
	if r.mem, err = unix.Mmap(fd, 0, size*blocks, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map packet ring: %w", err)
	}
	return r, nil
}

// Listen begins to receive, from every device of the namespace.
func (r *Ring) Listen() error {
	if err := unix.Bind(r.fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL)}); err != nil {
		return fmt.Errorf("bind packet socket: %w", err)
	}
	return nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }

// FD is the descriptor of the socket, readable while a frame waits.
func (r *Ring) FD() int { return r.fd }

// Close frees the socket and its memory, which takes the kernel RCU grace periods.
// Closing twice is harmless, and closing a nil ring too.
func (r *Ring) Close() {
	if r == nil {
		return
	}
	if r.mem != nil {
		_ = unix.Munmap(r.mem)
		r.mem = nil
	}
	if r.fd >= 0 {
		_ = unix.Close(r.fd)
		r.fd = -1
	}
}

func (r *Ring) header(i int) *unix.Tpacket2Hdr {
	blockLen := len(r.mem) / (r.slots / r.perBlock)
	at := i/r.perBlock*blockLen + i%r.perBlock*r.slot
	return (*unix.Tpacket2Hdr)(unsafe.Pointer(&r.mem[at]))
}

// Ready reports whether a frame waits.
func (r *Ring) Ready() bool {
	return r.held < r.slots && r.filled(r.next)
}

// Frame is one received frame.
type Frame struct {
	Data    []byte // valid until [Ring.Release]
	Length  int    // on the wire; more than len(Data) if it was cut
	Arrival int64  // time stamp of the kernel, nanoseconds since 1970
	Ifindex int32  // of the device that received it
	Refused bool   // it found the queue of its wire full
}

// ifindex is the device that the frame in a slot came from.
func (r *Ring) ifindex(slot int) int32 {
	return *(*int32)(unsafe.Add(unsafe.Pointer(r.header(slot)), slotAddr+addrIndex))
}

// Take returns the frame that waits; there must be one.
func (r *Ring) Take() Frame {
	h := r.header(r.next)
	base := unsafe.Pointer(h)
	f := Frame{
		Data:    unsafe.Slice((*byte)(unsafe.Add(base, h.Mac)), int(h.Snaplen)),
		Length:  int(h.Len),
		Arrival: int64(h.Sec)*int64(time.Second) + int64(h.Nsec),
		Ifindex: r.ifindex(r.next),
		Refused: r.turn() == refused,
	}
	r.next = (r.next + 1) % r.slots
	r.held++
	return f
}

// Release gives all frames taken so far back to the kernel.
func (r *Ring) Release() {
	for ; r.held > 0; r.held-- {
		i := (r.next - r.held + r.slots) % r.slots
		atomic.StoreUint32(&r.header(i).Status, unix.TP_STATUS_KERNEL)
	}
}

// Dropped is how many frames the kernel could not put into the ring since the
// last call.
func (r *Ring) Dropped() uint64 {
	st, err := unix.GetsockoptTpacketStats(r.fd, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return 0
	}
	return uint64(st.Drops)
}
