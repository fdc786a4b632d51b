//go:build linux

package tracking

import (
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// attr is a netlink attribute.
func attr(kind uint16, v ...byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.NLA_HDRLEN+len(v)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), v...)
	for len(b)%unix.NLA_ALIGNTO != 0 {
		b = append(b, 0)
	}
	return b
}

func nested(kind uint16, parts ...[]byte) []byte {
	var all []byte
	for _, p := range parts {
		all = append(all, p...)
	}
	return attr(kind|unix.NLA_F_NESTED, all...)
}

// message is a netlink message of nfnetlink_conntrack.
func message(kind, flags uint16, parts ...[]byte) []byte {
	body := make([]byte, 4)
	for _, p := range parts {
		body = append(body, p...)
	}
	b := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	b = binary.NativeEndian.AppendUint16(b, unix.NFNL_SUBSYS_CTNETLINK<<8|kind)
	b = binary.NativeEndian.AppendUint16(b, flags)
	return append(append(b, make([]byte, 8)...), body...)
}

func ends(kind uint16, src, dst [4]byte, sport, dport uint16) []byte {
	return nested(kind,
		nested(nl.CTA_TUPLE_IP, attr(nl.CTA_IP_V4_SRC, src[:]...), attr(nl.CTA_IP_V4_DST, dst[:]...)),
		nested(nl.CTA_TUPLE_PROTO, attr(nl.CTA_PROTO_NUM, unix.IPPROTO_TCP),
			attr(nl.CTA_PROTO_SRC_PORT, byte(sport>>8), byte(sport)),
			attr(nl.CTA_PROTO_DST_PORT, byte(dport>>8), byte(dport))))
}

func example() []byte {
	client, server := [4]byte{192, 0, 2, 1}, [4]byte{198, 51, 100, 2}
	both := [][]byte{ends(nl.CTA_TUPLE_ORIG, client, server, 4000, 80),
		ends(nl.CTA_TUPLE_REPLY, server, client, 8080, 4000)}
	tcp := nested(nl.CTA_PROTOINFO, nested(nl.CTA_PROTOINFO_TCP, attr(nl.CTA_PROTOINFO_TCP_STATE, 3)))
	id, status := attr(nl.CTA_ID, 0, 0, 0, 7), attr(nl.CTA_STATUS, 0, 0, 0, byte(SeenReply|Assured))
	times := nested(nl.CTA_TIMESTAMP, attr(timestampStart, 0, 0, 0, 0, 0, 0, 0, 5),
		attr(timestampStop, 0, 0, 0, 0, 0, 0, 0, 9))
	b := message(nl.IPCTNL_MSG_CT_NEW, unix.NLM_F_CREATE|unix.NLM_F_EXCL, append(both, id)...)
	b = append(b, message(nl.IPCTNL_MSG_CT_NEW, 0, append(both, id, tcp, status)...)...)
	return append(b, message(nl.IPCTNL_MSG_CT_DELETE, 0, append(both, id, times)...)...)
}

func TestParse(t *testing.T) {
	got := parse(example())
	if len(got) != 3 {
		t.Fatalf("got %+v", got)
	}
	for i, e := range got {
		if e.Kind != Kind(i) || e.ID != 7 || e.Orig.Src != netip.MustParseAddrPort("192.0.2.1:4000") ||
			e.Reply.Src != netip.MustParseAddrPort("198.51.100.2:8080") || e.Orig.Proto != unix.IPPROTO_TCP {
			t.Errorf("event %d: %+v", i, e)
		}
	}
	if got[1].State != "ESTABLISHED" || got[1].Status != SeenReply|Assured {
		t.Errorf("its state: %+v", got[1])
	}
	if got[2].Start.UnixNano() != 5 || got[2].Stop.UnixNano() != 9 {
		t.Errorf("its times: %+v", got[2])
	}
	for n := range example() { // cut anywhere
		parse(example()[:n])
	}
}

func FuzzParse(f *testing.F) {
	f.Add(example())
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, e := range parse(b) {
			if !e.Orig.Src.Addr().IsValid() || !e.Reply.Src.Addr().IsValid() {
				t.Errorf("an event without addresses: %+v", e)
			}
		}
	})
}
