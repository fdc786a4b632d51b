// Package frame replaces the addresses and the payload of frames, in place.
//
// It goes through a frame as package packet decodes it. What a header says is left as it
// is, but for addresses and secrets; what stands in no header that is known becomes
// filler. Lengths stay, and checksums stay as right or as wrong as they were.
//
// Invariant: what is not understood is filler; no frame makes it panic or become longer
// or shorter.
package frame

import (
	"netrepro/engine/anonymize/payload"
	"netrepro/engine/anonymize/standin"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
)

// Frames replaces what frames say. It knows connections, so that TLS and HTTP are found
// where they are split between segments.
type Frames struct {
	names   *standin.Map
	streams *payload.Streams

	path    encap.Path // as far as headers were passed, as package packet does
	quoted  bool       // it is what an ICMP error quotes
	quotes  int        // how deep
	group   []byte     // the frame of a packet that was sent to a group, up to its IP header
	scratch []byte
}

// New replaces addresses and names by those of m.
func New(m *standin.Map) *Frames { return &Frames{names: m, streams: payload.NewStreams(m)} }

// maxQuotes bounds how deep errors may quote each other.
const maxQuotes = 4

// Frame replaces what the frame b says, that was size bytes on the wire. It reports
// false of a link that is not known: then all of it is filler.
func (f *Frames) Frame(link packet.Link, b []byte, size int) bool {
	f.quoted, f.quotes, f.group = false, 0, nil
	if !link.Known() {
		f.names.Block(b)
		return false
	}
	f.link(link, b, size)
	return true
}

// filler replaces what is not understood.
func (f *Frames) filler(b []byte) { f.names.Block(b) }

// noPacket replaces what is no IP packet so that it is none afterwards: the first four
// bits, where the version would be, stay.
func (f *Frames) noPacket(b []byte) {
	if len(b) == 0 {
		return
	}
	version := b[0] & 0xf0
	f.filler(b)
	b[0] = version
}

// mac replaces an Ethernet address.
func (f *Frames) mac(b []byte, at header.MAC) { at.Put(b, f.names.MAC(at.Get(b))) }

// addr4 and addr6 replace an address.
func (f *Frames) addr4(b []byte, at header.Addr4) { at.Put(b, f.names.Addr(at.Get(b))) }

func (f *Frames) addr6(b []byte, at header.Addr6) { at.Put(b, f.names.Addr(at.Get(b))) }
