package packet

import "netrepro/engine/packet/header/link"

// Link is the kind of header a frame begins with: a LINKTYPE_ value of
// tcpdump.org.
type Link = link.Link

// Links that are spoken of above this room; more are decoded.
const (
	LinkCHDLC    = link.CHDLC
	LinkEnc      = link.Enc
	LinkEthernet = link.Ethernet
	LinkIPv4     = link.IPv4
	LinkIPv6     = link.IPv6
	LinkLoop     = link.Loop
	LinkNull     = link.Null
	LinkPPP      = link.PPP
	LinkPPPDir   = link.PPPDir
	LinkPPPHDLC  = link.PPPHDLC
	LinkPPPoE    = link.PPPoE
	LinkPflog    = link.Pflog
	LinkRadiotap = link.Radiotap
	LinkRaw      = link.Raw
	LinkRawBSD   = link.RawBSD
	LinkRawOpen  = link.RawOpen
	LinkSLL      = link.SLL
	LinkSLL2     = link.SLL2
	LinkWiFi     = link.WiFi
)
