package frame

import (
	"netrepro/engine/packet/header"
	"netrepro/engine/packet/header/encap"
	"netrepro/engine/packet/header/neighbour"
)

// Kinds of ICMP messages (RFC 792) that hold a packet, or an address.
const (
	unreachable  = 3
	sourceQuench = 4
	redirect     = 5
	timeExceeded = 11
	parameter    = 12
	echo         = 8
	echoReply    = 0
)

// Kinds of ICMPv6 messages (RFC 4443, RFC 2710, RFC 3810, RFC 4861).
const (
	lastError       = 127
	echoRequest6    = 128
	echoReply6      = 129
	listenerQuery   = 130
	listenerDone    = 132
	routerSolicit   = 133
	routerAdvert    = 134
	neighSolicit    = 135
	neighAdvert     = 136
	redirect6       = 137
	listenerReport2 = 143
)

// icmp replaces what an ICMP message holds behind its header.
func (f *Frames) icmp(b []byte, p *part) {
	if len(b) < header.ICMPSize {
		return // numbers alone
	}
	kind, rest := header.ICMPType.Get(b), b[header.ICMPSize:]
	if p.v6 || p.proto == header.ProtoICMPv6 {
		if kind <= lastError {
			f.quote(rest)
		} else {
			f.neighbours(kind, b)
		}
		return
	}
	switch kind {
	case redirect:
		f.addr4(b, neighbour.ICMPGateway)
		f.quote(rest)
	case unreachable, sourceQuench, timeExceeded, parameter:
		f.quote(rest)
	case echo, echoReply:
		f.filler(rest)
	default: // the header may be an address, as in an advertisement of routers
		clear(b[header.ICMPID.Offset():header.ICMPSize])
		f.filler(rest)
	}
}

// quote replaces the beginning of a packet that an error quotes. As much of it is there
// as whoever sent the error wanted to quote.
func (f *Frames) quote(b []byte) {
	if f.quotes++; f.quotes > maxQuotes {
		f.noPacket(b)
		return
	}
	was, path := f.quoted, f.path
	f.quoted, f.path = true, encap.Path{}
	f.ip(b, len(b))
	f.quoted, f.path = was, path
}

// neighbours replaces addresses in messages of ICMPv6 that are no errors.
func (f *Frames) neighbours(kind uint8, b []byte) {
	var options int
	switch kind {
	case echoRequest6, echoReply6:
		options = header.ICMPSize
		f.filler(b[options:])
		return
	case routerSolicit:
		options = header.ICMPSize
	case routerAdvert:
		options = neighbour.RouterOption
	case neighSolicit, neighAdvert, redirect6:
		if options = neighbour.NeighOption; options <= len(b) {
			f.addr6(b, neighbour.NeighTarget)
		}
		if kind == redirect6 {
			if options = neighbour.MovedOption; options <= len(b) {
				f.addr6(b, neighbour.NeighNext)
			}
		}
	default:
		if kind >= listenerQuery && kind <= listenerDone && len(b) >= neighbour.NeighOption {
			f.addr6(b, neighbour.NeighTarget)
			f.filler(b[neighbour.NeighOption:])
			return
		}
		if kind == listenerReport2 {
			f.listeners(b[header.ICMPSize:])
			return
		}
		clear(b[header.ICMPID.Offset():header.ICMPSize])
		f.filler(b[header.ICMPSize:])
		return
	}
	if options > len(b) {
		f.filler(b[header.ICMPSize:])
		return
	}
	f.neighOptions(b[options:])
}

// neighOptions replaces what options of neighbour discovery say of anybody.
func (f *Frames) neighOptions(b []byte) {
	for len(b) >= neighbour.NeighUnit {
		n := int(neighbour.NeighLength.Get(b)) * neighbour.NeighUnit
		if n == 0 || n > len(b) {
			break
		}
		o := b[:n]
		b = b[n:]
		switch kind := neighbour.NeighKind.Get(o); {
		case (kind == neighbour.NeighSource || kind == neighbour.NeighOwn) && n == neighbour.NeighUnit:
			f.mac(o, neighbour.NeighMAC)
		case kind == neighbour.NeighPrefixes && n == neighbour.NeighPrefix.Offset()+neighbour.NeighPrefix.Size():
			f.addr6(o, neighbour.NeighPrefix)
		case kind == neighbour.NeighMTU && n == neighbour.NeighUnit:
		case kind == neighbour.NeighDNS:
			for v := o[neighbour.NeighServers:]; len(v) >= 16; v = v[16:] {
				f.addr6(v, 0)
			}
			clear(o[neighbour.NeighServers+(n-neighbour.NeighServers)/16*16:])
		default:
			f.filler(o[2:])
		}
	}
	f.filler(b)
}

// listeners replaces the groups in a report of those who listen to them (RFC 3810,
// section 5.2).
func (f *Frames) listeners(b []byte) {
	const head, addr = 4, 16
	for len(b) >= head+addr {
		sources, more := int(be16(b[2:])), int(b[1])*4
		n := head + addr*(1+sources)
		if n+more > len(b) {
			break
		}
		for v := b[head:n]; len(v) > 0; v = v[addr:] {
			f.addr6(v, 0)
		}
		f.filler(b[n : n+more])
		b = b[n+more:]
	}
	f.filler(b)
}
