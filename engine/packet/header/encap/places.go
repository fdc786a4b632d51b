package encap

// Sizes and places of the headers that are passed, in bytes from where each begins.
const (
	llcSize    = 3        // IEEE 802.2: two service access points, control
	snapType   = 6        // RFC 1042
	snapPoints = 0xaaaa   // the service access points that say SNAP
	ouiBridged = 0x0080c2 // IEEE 802.1's
	snapSize   = 8
	snapPad    = 2 // before a bridged frame (RFC 2684)
	islSize    = 26
	pppoeSize  = 6
	pppoeLen   = 4

	pbbSize           = 4
	fabricPathSize    = 2
	trillSize         = 6
	trillOptions      = 0x1f
	trillOptionsShift = 6
	batmanSize        = 10
	batmanUnicast     = 0x40
	eTagSize          = 6
	cmdSize           = 6
	macsecSize        = 6
	macsecSCISize     = 8
	macsecICV         = 16   // behind the packet
	macsecSCI         = 0x20 // the header names the channel
	macsecSecret      = 0x0c // encrypted, or changed

	nshLength  = 1 // of the header, in units of 4 bytes (RFC 8300)
	nshNext    = 3
	nshUnits   = 0x3f
	mplsSize   = 4 // of a label (RFC 3032)
	mplsBottom = 2
	pwSize     = 4 // of a pseudowire's control word (RFC 4385)
	pwChannel  = 2 // the kind of an associated channel
)

// GRE (RFC 2784, RFC 2890, RFC 1701, RFC 2637).
const (
	greSize        = 4
	greProto       = 2
	greChecksum    = 0x80
	greRouting     = 0x40
	greKey         = 0x20
	greSequence    = 0x10
	greAck         = 0x80 // in the second byte, of version 1
	greVersion     = 7
	greRouteSize   = 4 // of an entry of source routing, without its addresses
	greRouteLen    = 3
	wccpSize       = 4
	erspanSize     = 8 // of version 1, called type II
	erspan3Size    = 12
	erspan3Fields  = 10
	erspan3Version = 2
	erspan3More    = 8 // the subheader of a platform
)

// Tunnels in UDP.
const (
	vxlanSize      = 8 // RFC 7348
	vxlanNext      = 3 // of the generic extension
	vxlanVNI       = 0x08
	geneveSize     = 8 // RFC 8926
	geneveOptions  = 0x3f
	geneveProto    = 2
	gtpSize        = 8 // 3GPP TS 29.281
	gtpMore        = 4 // sequence number, N-PDU, kind of the extension
	gtpUser        = 0xff
	gtpOldSize     = 20 // 3GPP TS 09.60
	teredoOrigin   = 8  // RFC 4380
	teredoAuth     = 13
	l2tpControl    = 0x8000 // RFC 2661
	l2tpLength     = 0x4000
	l2tpSequence   = 0x0800
	l2tpOffset     = 0x0200
	ayiyaSize      = 8
	ayiyaForward   = 1
	tzspSize       = 4
	etherIPSize    = 2  // RFC 3378
	capwapLeast    = 8  // RFC 5415, section 4.3
	capwapLen      = 19 // bits above the last of the three bytes behind the preamble
	capwapBinding  = 9
	capwapNative   = 8
	capwapFragment = 7
	capwapLast     = 6
	capwapAlive    = 3
	capwapID       = 4
	capwapOffset   = 6
)
