package header

// Sizes of headers without options, in bytes.
const (
	EthernetSize = 14
	TagSize      = 4
	IPv4Size     = 20
	IPv6Size     = 40
	FragmentSize = 8
	TCPSize      = 20
	UDPSize      = 8
	ICMPSize     = 8
)

// EtherTypes (IANA). Up to MaxLength the field is the length of an IEEE 802.3
// frame.
const (
	EtherTypeIPv4       = 0x0800
	EtherTypeARP        = 0x0806
	EtherTypeTRILL      = 0x22f3 // RFC 6325
	EtherTypeBatman     = 0x4305
	EtherTypeBridgedOld = 0x6400
	EtherTypeBridged    = 0x6558 // transparent Ethernet bridging, in GRE
	EtherTypeVLAN       = 0x8100
	EtherTypeIPv6       = 0x86dd
	EtherTypePPP        = 0x880b
	EtherTypeMPLS       = 0x8847
	EtherTypeMPLSMC     = 0x8848
	EtherTypePPPoE      = 0x8864
	EtherTypeQinQ       = 0x88a8
	EtherTypeMACsec     = 0x88e5 // IEEE 802.1AE
	EtherTypePBB        = 0x88e7 // IEEE 802.1ah
	EtherTypeFabricPath = 0x8903
	EtherTypeCMD        = 0x8909 // Cisco's, of TrustSec
	EtherTypeVNTag      = 0x8926
	EtherTypeHSR        = 0x892f // IEC 62439-3
	EtherTypeETag       = 0x893f // IEEE 802.1BR
	EtherTypeNSH        = 0x894f // RFC 8300
	EtherTypeQinQOld    = 0x9100
	MaxLength           = 1500
)

// IP protocol numbers (IANA). Those from ProtoHopByHop on are IPv6 extension
// headers (RFC 8200, section 4).
const (
	ProtoICMP   = 1
	ProtoIPIP   = 4
	ProtoTCP    = 6
	ProtoUDP    = 17
	ProtoIPv6   = 41
	ProtoGRE    = 47
	ProtoICMPv6 = 58

	ProtoEtherIP = 97
	ProtoMPLS    = 137
	ProtoBridged = 143 // Ethernet (RFC 8986)

	ProtoHopByHop = 0
	ProtoRouting  = 43
	ProtoFragment = 44
	ProtoAuth     = 51
	ProtoDest     = 60
	ProtoMobility = 135
	ProtoShim6    = 140
)

// Ethernet (IEEE 802.3).
const (
	EthernetDst  MAC    = 0
	EthernetSrc  MAC    = 6
	EthernetType Uint16 = 12
)

// The 802.1Q tag, from its EtherType on.
const (
	TagType    Uint16 = 0
	TagControl Uint16 = 2
	// TagNext is the EtherType behind the tag.
	TagNext Uint16 = 4
)

// IPv4 (RFC 791, section 3.1).
const (
	IPv4Head     Uint8  = 0 // version, and length of the header in units of 4 bytes
	IPv4TOS      Uint8  = 1
	IPv4Length   Uint16 = 2
	IPv4ID       Uint16 = 4
	IPv4Fragment Uint16 = 6 // flags and offset
	IPv4TTL      Uint8  = 8
	IPv4Proto    Uint8  = 9
	IPv4Checksum Uint16 = 10
	IPv4Src      Addr4  = 12
	IPv4Dst      Addr4  = 16
)

// Of IPv4Fragment: the flags, and the offset in units of 8 bytes.
const (
	DontFragment   = 0x4000
	MoreFragments  = 0x2000
	FragmentOffset = 0x1fff
)

// IPv6 (RFC 8200, section 3).
const (
	IPv6Head   Uint32 = 0 // version, traffic class, flow label
	IPv6Length Uint16 = 4 // behind this header
	IPv6Next   Uint8  = 6
	IPv6Hops   Uint8  = 7
	IPv6Src    Addr6  = 8
	IPv6Dst    Addr6  = 24
)

// IPv6 extension headers (RFC 8200, section 4). The offset of a fragment is in
// units of 8 bytes, 3 bits up; the last bit says that there are more.
const (
	ExtNext        Uint8  = 0
	ExtLength      Uint8  = 1 // in units of 8 bytes without the first; of ProtoAuth of 4 without the first two
	RouteLeft      Uint8  = 3 // of ProtoRouting, how many addresses are still to be passed
	FragmentField  Uint16 = 2
	FragmentIdent  Uint32 = 4
	fragmentOffset        = 0xfff8
	fragmentMore          = 1
)

// TCP (RFC 9293, section 3.1).
const (
	TCPSrcPort  Uint16 = 0
	TCPDstPort  Uint16 = 2
	TCPSeq      Uint32 = 4
	TCPAck      Uint32 = 8
	TCPHead     Uint8  = 12 // length of the header in units of 4 bytes, 4 bits up
	TCPControl  Uint8  = 13 // the flags
	TCPWindow   Uint16 = 14
	TCPChecksum Uint16 = 16
	TCPUrgent   Uint16 = 18
)

// UDP (RFC 768).
const (
	UDPSrcPort  Uint16 = 0
	UDPDstPort  Uint16 = 2
	UDPLength   Uint16 = 4
	UDPChecksum Uint16 = 6
)

// ICMP and ICMPv6 (RFC 792, RFC 4443).
const (
	ICMPType     Uint8  = 0
	ICMPCode     Uint8  = 1
	ICMPChecksum Uint16 = 2
	ICMPID       Uint16 = 4 // of an echo
	ICMPSeq      Uint16 = 6
	ICMPMTU4     Uint16 = 6 // of fragmentation needed (RFC 1191)
	ICMPMTU6     Uint32 = 4 // of packet too big
	ICMPEchoID   Uint16 = 4 // of an echo and its reply
	ICMPEchoSeq  Uint16 = 6
)

// TCP options, from their kind on: an option's value stands behind its length.
const (
	OptionKind   Uint8  = 0
	OptionLength Uint8  = 1
	OptionMSS    Uint16 = 2
	OptionShift  Uint8  = 2 // of the window
	OptionTSVal  Uint32 = 2
	OptionTSEcr  Uint32 = 6
	// OptionValue is how many bytes stand before the value.
	OptionValue = 2
)

// A SACK block (RFC 2018), which is BlockSize bytes long.
const (
	BlockLeft  Uint32 = 0
	BlockRight Uint32 = 4
	BlockSize         = 8
)

// Fields that are a part of the bytes that hold them.
var (
	TagVLAN       = Bits{TagControl, 0, 12}
	TagPriority   = Bits{TagControl, 13, 3}
	IPv4DSCP      = Bits{IPv4TOS, 2, 6}
	IPv4ECN       = Bits{IPv4TOS, 0, 2}
	IPv6DSCP      = Bits{IPv6Head, 22, 6}
	IPv6ECN       = Bits{IPv6Head, 20, 2}
	IPv6FlowLabel = Bits{IPv6Head, 0, 20}
	IPv4DF        = Bits{IPv4Fragment, 14, 1}
	IPv4MF        = Bits{IPv4Fragment, 13, 1}
	IPv4Offset    = Bits{IPv4Fragment, 0, 13}
	FragmentMF    = Bits{FragmentField, 0, 1}
	FragmentAt    = Bits{FragmentField, 3, 13}
)
