package field

import "netrepro/engine/packet/header"

// All are the header fields that can be matched and, but for those that
// follow from others, written. Numbers are as on the wire, except where packet
// numbering is relative to a connection: that is for those who know one.
var All = []*Field{
	hardware("src_mac", header.EthernetSrc, "source MAC address"),
	hardware("dst_mac", header.EthernetDst, "destination MAC address"),
	number("ether_type", Ether, start, header.Whole(header.EthernetType), "EtherType, or that of the 802.1Q tag"),
	number("vlan", VLAN, dot1q, header.TagVLAN, "VLAN of the 802.1Q tag"),
	number("pcp", VLAN, dot1q, header.TagPriority, "priority of the 802.1Q tag"),
	address("src", header.IPv4Src, header.IPv6Src, "source address"),
	address("dst", header.IPv4Dst, header.IPv6Dst, "destination address"),
	either("ttl", "time to live, or hop limit", header.Whole(header.IPv4TTL), header.Whole(header.IPv6Hops)),
	either("dscp", "differentiated services code point (RFC 2474)", header.IPv4DSCP, header.IPv6DSCP),
	either("ecn", "explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168)",
		header.IPv4ECN, header.IPv6ECN),
	ipLength,
	number("ip_id", IPv4, network, header.Whole(header.IPv4ID), "identification"),
	bit(number("df", IPv4, network, header.IPv4DF, "don't fragment")),
	bit(fragmentField("mf", "more fragments", header.IPv4MF, header.FragmentMF)),
	fragmentField("frag_offset", "fragment offset, in units of 8 bytes", header.IPv4Offset, header.FragmentAt),
	number("flow_label", IPv6, network, header.IPv6FlowLabel, "flow label"),
	number("proto", IP, proto, header.Whole(header.ExtNext), "transport protocol number"),
	number("sport", Ports, trans, header.Whole(header.TCPSrcPort), "source port"),
	number("dport", Ports, trans, header.Whole(header.TCPDstPort), "destination port"),
	number("seq", TCP, trans, header.Whole(header.TCPSeq), "sequence number"),
	number("ack", TCP, trans, header.Whole(header.TCPAck), "acknowledgement number"),
	flags(number("flags", TCP, trans, header.Whole(header.TCPControl), `TCP flags as tcpdump writes them: "S", "P."`)),
	number("win", TCP, trans, header.Whole(header.TCPWindow), "window as on the wire, unscaled"),
	number("urgent", TCP, trans, header.Whole(header.TCPUrgent), "urgent pointer"),
	option("mss", header.TCPOptMSS, header.OptionMSS, "maximum segment size option"),
	option("wscale", header.TCPOptWScale, header.OptionShift, "window scale option: the shift"),
	option("tsval", header.TCPOptTimestamps, header.OptionTSVal, "timestamp option: the sender's clock"),
	option("tsecr", header.TCPOptTimestamps, header.OptionTSEcr, "timestamp option: the clock it echoes"),
	present("timestamps", header.TCPOptTimestamps, "there is a timestamp option"),
	present("sack_permitted", header.TCPOptSACKPermitted, "there is a SACK-permitted option"),
	present("sack", header.TCPOptSACK, "there is a SACK option"),
	number("icmp_type", ICMP, trans, header.Whole(header.ICMPType), "ICMP or ICMPv6 type"),
	number("icmp_code", ICMP, trans, header.Whole(header.ICMPCode), "ICMP or ICMPv6 code"),
	number("icmp_id", ICMP, trans, header.Whole(header.ICMPID), "identifier of an echo"),
	number("icmp_seq", ICMP, trans, header.Whole(header.ICMPSeq),
		"sequence number of an echo; MTU of fragmentation needed"),
}

// ipLength is the length of the whole packet in either version: IPv6 says only
// what follows its header. It follows from the rest of the packet.
var ipLength = &Field{Name: "ip_len", Layer: IP, Type: Number, Max: 1<<16 - 1, ReadOnly: true,
	Doc: "length of the IP packet",
	get: func(b []byte, l *header.Layout) (Value, bool) {
		if l.Version == 4 {
			return Value{N: uint64(header.IPv4Length.Get(b[l.Net:]))}, true
		}
		return Value{N: uint64(header.IPv6Length.Get(b[l.Net:])) + header.IPv6Size}, true
	}}
