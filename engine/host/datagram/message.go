//go:build linux

package datagram

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Message is a datagram that came.
type Message struct {
	Data []byte // of ICMP, from its header on
	From netip.AddrPort
	TTL  int // or hop limit; 0 if the kernel did not say
	TOS  int
	At   time.Time
}

// strip takes the IPv4 header off, which raw sockets leave on.
func (m *Message) strip() {
	if len(m.Data) < 20 {
		return
	}
	m.TTL = int(m.Data[8])
	m.TOS = int(m.Data[1])
	m.Data = m.Data[min(int(m.Data[0]&15)*4, len(m.Data)):]
}

// read takes the TTL and the type of service from the messages beside the data.
func (m *Message) read(oob []byte) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, c := range msgs {
		number := func() int {
			if len(c.Data) >= 4 {
				return int(binary.NativeEndian.Uint32(c.Data))
			}
			return int(c.Data[0])
		}
		if len(c.Data) == 0 {
			continue
		}
		switch [2]int32{c.Header.Level, c.Header.Type} {
		case [2]int32{unix.IPPROTO_IP, unix.IP_TTL}, [2]int32{unix.IPPROTO_IPV6, unix.IPV6_HOPLIMIT}:
			m.TTL = number()
		case [2]int32{unix.IPPROTO_IP, unix.IP_TOS}, [2]int32{unix.IPPROTO_IPV6, unix.IPV6_TCLASS}:
			m.TOS = number()
		}
	}
}
