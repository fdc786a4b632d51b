//go:build linux

package forging

import (
	"net/netip"

	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/vm"
)

// Packet is what a script says of a packet; nil is what it leaves open.
type Packet struct {
	Src, Dst     *netip.Addr
	Flags        *string
	Seq, Ack     *Number
	RawSeq       *int
	RawAck       *int
	ICMP         *string
	Payload      *string
	VLAN         *int
	sport, dport *int
	win, urgent  *int
	mss, wscale  *int
	sackOK       *bool
	sack         *[]block
	timestamps   *bool
	tsval, tsecr *int
	udp          *bool
	icmpCode     *int
	icmpID       *int
	icmpSeq      *int
	mtu          *int
	proto        *int
	ttl, tos     *int
	ipID         *int
	df           *bool
}

// Options are what a packet is made of.
func Options(p *Packet) []vm.Argument {
	return []vm.Argument{
		kAddress.Maybe(&p.Src, "src", "source address"),
		kAddress.Maybe(&p.Dst, "dst", "destination address"),
		kWord16.Maybe(&p.sport, "sport", "source port"),
		kWord16.Maybe(&p.dport, "dport", "destination port"),
		args.String.Maybe(&p.Flags, "flags", `of a TCP segment, its flags as tcpdump writes them: "R", "S."`),
		kNumber.Maybe(&p.Seq, "seq", "relative sequence number"),
		kNumber.Maybe(&p.Ack, "ack", "relative acknowledgement number"),
		kWord32.Maybe(&p.RawSeq, "raw_seq", "sequence number on the wire"),
		kWord32.Maybe(&p.RawAck, "raw_ack", "acknowledgement number on the wire"),
		kWord16.Maybe(&p.win, "win", "window as on the wire"),
		kWord16.Maybe(&p.urgent, "urgent", "urgent pointer"),
		kMSS.Maybe(&p.mss, "mss", "MSS option"),
		kShift.Maybe(&p.wscale, "wscale", "window scale option"),
		args.Bool.Maybe(&p.sackOK, "sack_permitted", "SACK-permitted option"),
		kBlocks.Maybe(&p.sack, "sack", "SACK option: blocks of relative numbers"),
		args.Bool.Maybe(&p.timestamps, "timestamps", "timestamp option; of a connection that has them, unless false"),
		kWord32.Maybe(&p.tsval, "tsval", "timestamp option: the sender's clock"),
		kWord32.Maybe(&p.tsecr, "tsecr", "timestamp option: the clock it echoes"),
		args.Bool.Maybe(&p.udp, "udp", "a UDP datagram"),
		matching.KICMP.Maybe(&p.ICMP, "icmp", "an ICMP or ICMPv6 message"),
		kByte.Maybe(&p.icmpCode, "icmp_code", "its code, if the name does not say it"),
		kWord16.Maybe(&p.icmpID, "icmp_id", "identifier of an echo"),
		kWord16.Maybe(&p.icmpSeq, "icmp_seq", "sequence number of an echo"),
		kWord16.Maybe(&p.mtu, "mtu", "the MTU that an ICMP message says the path takes"),
		kByte.Maybe(&p.proto, "proto", "another protocol, by number; the payload then follows the IP header"),
		args.String.Maybe(&p.Payload, "payload", "the payload"),
		kByte.Maybe(&p.ttl, "ttl", "time to live, or hop limit"),
		kByte.Maybe(&p.tos, "tos", "type of service, or traffic class"),
		kWord16.Maybe(&p.ipID, "ip_id", "IPv4 identification"),
		args.Bool.Maybe(&p.df, "df", "don't fragment"),
		kVLAN.Maybe(&p.VLAN, "vlan", "VLAN of its 802.1Q tag; by default that of the packets around it"),
	}
}

// IsTCP reports whether something is said that only a TCP segment has.
func (p *Packet) IsTCP() bool {
	return p.Flags != nil || p.Seq != nil || p.Ack != nil || p.RawSeq != nil || p.RawAck != nil || p.win != nil ||
		p.urgent != nil || p.mss != nil || p.wscale != nil || p.sackOK != nil || p.sack != nil ||
		p.timestamps != nil || p.tsval != nil || p.tsecr != nil
}

// IsOther reports whether it is said to be of another protocol than TCP.
func (p *Packet) IsOther() bool { return p.ICMP != nil || p.udp != nil || p.proto != nil }

// Tag is the 802.1Q tag of the VLAN that is asked for, nil if none is.
func (p *Packet) Tag() []byte {
	if p.VLAN == nil {
		return nil
	}
	return header.Tag(uint16(*p.VLAN))
}
