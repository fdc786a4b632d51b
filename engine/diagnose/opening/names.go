package opening

import (
	"encoding/binary"
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
)

// dns is the port of DNS.
const dns = 53

// Bits of the second word of a DNS header (RFC 1035, section 4.1.1).
const (
	dnsResponse  = 1 << 15
	dnsTruncated = 1 << 9
)

// soon is within what time a question over TCP follows the answer that was cut.
const soon = 5 * time.Second

// truncated are answers of DNS over UDP that are cut, and questions over TCP that get no
// answer.
func truncated(in *incident.Incident) (found []*finding.Finding) {
	for _, file := range in.Files {
		for _, f := range file.Flows {
			if f.SYN == nil || f.Ends[incident.Server].Port() != dns || f.Confirm != nil {
				continue
			}
			var cut []*incident.Datagram
			for _, d := range file.Datagrams {
				// A resolver that is refused asks the next server, over TCP at once.
				if d.SrcPort != dns || d.Dst != f.Ends[incident.Client].Addr() || len(d.Data) < 4 ||
					d.Time > f.SYN.Time || f.SYN.Time-d.Time > soon {
					continue
				}
				if flags := binary.BigEndian.Uint16(d.Data[2:]); flags&dnsResponse != 0 && flags&dnsTruncated != 0 {
					cut = append(cut, d)
				}
			}
			if len(cut) == 0 {
				continue
			}
			syns := f.Sides[incident.Client].SYNs
			c := finding.New("dns-truncated-tcp-blocked", f).
				Say("The answer over UDP is truncated, so the resolver asks again over TCP, and %s does not "+
					"answer there.",
					f.Ends[incident.Server])
			c.For(3, fmt.Sprintf("the answer of %v before has the TC bit (RFC 7766)",
				(f.SYN.Time-cut[len(cut)-1].Time).Round(time.Microsecond)), syns...)
			c.CiteDatagrams(cut[len(cut)-1]).Cite(f.Sides[incident.Server].Resets...).Cite(f.Sides[incident.Server].SYNs...)
			found = append(found, c.IsNot("syn-unanswered-backlog: the server answers over UDP"))
		}
	}
	return found
}

// broken6 is a connection over IPv6 that fails while one over IPv4 to the same port
// succeeds.
func broken6(in *incident.Incident) (found []*finding.Finding) {
	const patience = 150 * time.Second
	in.All(func(f *incident.Flow) {
		if !f.Ends[incident.Server].Addr().Is6() || f.Ends[incident.Server].Addr().Is4In6() || f.SYN == nil {
			return
		}
		stalled := f.Established() && f.Sides[incident.Server].Bytes == 0 && len(f.Sides[incident.Client].Resent) > 1
		stuck := f.Established() && len(f.Sides[incident.Server].Resent) > 2 && !f.Closed()
		if f.SYNACK != nil && !stalled && !stuck {
			return
		}
		others := f.Others(func(o *incident.Flow) bool {
			return o.Ends[incident.Server].Addr().Is4() &&
				o.Ends[incident.Server].Port() == f.Ends[incident.Server].Port() &&
				o.SYN != nil && o.Confirm != nil && o.SYN.Time > f.SYN.Time && o.SYN.Time-f.SYN.Time < patience
		})
		rst := f.Sides[incident.Server].Resets
		if len(others) == 0 || len(rst) > 0 && f.Ends[incident.Server].Addr().IsLoopback() {
			return // within a host no path is broken: nobody listens there
		}
		o := others[0]
		c := finding.New("ipv6-broken-v4-works", f).
			Say("The connection to %s over IPv6 fails; the same over IPv4 opens in %v.", f.Ends[incident.Server],
				(o.SYNACK.Time - o.SYN.Time).Round(100*time.Microsecond))
		if f.Refused() {
			c.For(2.6, "IPv6 is refused, IPv4 to the same port is answered", f.Sides[incident.Client].SYNs...).Cite(rst...)
		} else {
			c.For(2.6, "IPv6 is not answered, IPv4 to the same port is", f.Sides[incident.Client].SYNs...)
		}
		c.Cite(o.SYN, o.SYNACK).CiteMessages(f.Messages...)
		if stalled || stuck {
			c.Cite(f.Sides[incident.Client].Resent...)
		}
		found = append(found, c.IsNot("syn-unanswered-filtered: it is IPv6 alone that is not answered"))
	})
	return found
}
