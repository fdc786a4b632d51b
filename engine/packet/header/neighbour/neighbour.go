// Package neighbour knows where the addresses of neighbours stand: in ARP and neighbour
// discovery, and in headers of links that have them at places of their own.
package neighbour

import "netrepro/engine/packet/header"

// ARP, for Ethernet and IPv4 (RFC 826).
const (
	ARPHardware  header.Uint16 = 0
	ARPProtocol  header.Uint16 = 2
	ARPSizes     header.Uint16 = 4 // of an Ethernet address and of an IPv4 address
	ARPSenderMAC header.MAC    = 8
	ARPSender    header.Addr4  = 14
	ARPTargetMAC header.MAC    = 18
	ARPTarget    header.Addr4  = 24
	ARPSize                    = 28
	ARPFixed                   = 8 // what it begins with, whatever its addresses are
	// ARPSizesIPv4 is what ARPSizes says.
	ARPSizesIPv4 = 6<<8 | 4
)

// EtherTypeRARP is that of reverse ARP (IANA).
const EtherTypeRARP = 0x8035

// ICMP messages that hold addresses, from the type on (RFC 792, RFC 4861, RFC 2710).
const (
	ICMPGateway  header.Addr4 = 4 // of a redirect
	NeighTarget  header.Addr6 = 8 // of a neighbour message, and the group of a listener
	NeighNext    header.Addr6 = 24
	NeighOption               = 24 // where options begin
	RouterOption              = 16
	MovedOption               = 40 // of a redirect
)

// Options of neighbour discovery, from their type on (RFC 4861, section 4.6).
const (
	NeighKind     header.Uint8 = 0
	NeighLength   header.Uint8 = 1 // in units of 8 bytes
	NeighMAC      header.MAC   = 2
	NeighPrefix   header.Addr6 = 16
	NeighServers               = 8 // addresses of resolvers (RFC 8106)
	NeighUnit                  = 8
	NeighSource                = 1
	NeighOwn                   = 2
	NeighPrefixes              = 3
	NeighMTU                   = 5
	NeighDNS                   = 25
)

// Addresses in the headers that Linux writes for links of any kind (LINKTYPE_LINUX_SLL
// and LINKTYPE_LINUX_SLL2): how long one is, and where it stands.
const (
	SLLLength  header.Uint16 = 4
	SLLMAC     header.MAC    = 6
	SLLProto   header.Uint16 = 14
	SLLSize                  = 16
	SLL2Proto  header.Uint16 = 0
	SLL2Length header.Uint8  = 11
	SLL2MAC    header.MAC    = 12
	SLL2Size                 = 20
)

// Addresses in the header of a frame of IEEE 802.11 (IEEE 802.11-2020, section 9.2.4.3).
const (
	WiFiFirst  header.MAC = 4
	WiFiSecond header.MAC = 10
	WiFiThird  header.MAC = 16
	WiFiFourth header.MAC = 24
	WiFiSize              = 24
)
