package pcap

import (
	"errors"
	"fmt"
	"net/netip"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
)

// Direction of a packet, seen from the capture point.
type Direction uint8

// Directions, as the epb_flags option writes them.
const (
	Unknown Direction = iota
	Inbound
	Outbound
)

// LinkType is the kind of header a frame begins with: the LINKTYPE_ values of
// tcpdump.org.
type LinkType uint16

// Ethernet is LINKTYPE_ETHERNET.
const Ethernet LinkType = 1

// Option is an option of a pcapng block as it stands in the file.
type Option struct {
	Code  uint16
	Value []byte
}

// Interface is a capture point.
type Interface struct {
	Name        string // shown by Wireshark as frame.interface_name
	Description string
	MAC         [6]byte
	Link        LinkType // 0 is written as Ethernet
	SnapLen     uint32   // what is kept of a frame at most, 0 for all
	// Options are those read that have no field here.
	Options []Option

	// How timestamps count: units per second and what is added to them in
	// seconds (if_tsresol, if_tsoffset).
	perSecond uint64
	offset    int64
}

// Name is an entry of a name resolution block.
type Name struct {
	Addr netip.Addr
	Host string
}

// Section says where a capture comes from: the section header block.
type Section struct {
	Comment, Hardware, OS, Application string
}

// Frame is one captured frame.
type Frame struct {
	Interface int   // index among the interfaces of the whole file
	Time      int64 // nanoseconds since 1970
	Data      []byte
	Length    int // bytes on the wire
	Link      LinkType
	Direction Direction
	Comments  []string
	// ID is the same in all frames that are one packet, 0 if that is not said
	// (epb_packetid).
	ID uint64
	// Options are those read that have no field here.
	Options []Option
	// Line is where text told of it, from 1; 0 if the capture is no text.
	Line int
	// Missing are the numbers that the text does not tell, Checksum what it says of
	// the transport checksum.
	Missing  packet.Missing
	Checksum packet.Checksum
	// Omitted says that packets were left out of the text before it, Torn that its line ends
	// before it should.
	Omitted, Torn bool
	// Carries is what the text says that it carries, nil if it does not.
	Carries *payload.Event
}

// ErrFormat is what an error of the reader is if the file is no capture of a
// known format or is damaged.
var ErrFormat = errors.New("not a readable capture")

// ErrCut is what an error of the reader is if the file ends within a record.
// What came before is good.
var ErrCut = errors.New("the file ends in the middle of a record")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...)
}

// maxRecord bounds what one record may claim to be; the formats' own limit for
// Ethernet is 256 KB, that of USB 128 MB, which nobody analyses here.
const maxRecord = 16 << 20
