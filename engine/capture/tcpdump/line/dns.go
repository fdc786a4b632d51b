package line

import (
	"encoding/binary"
	"strconv"
	"strings"

	"netrepro/engine/pattern"
)

// dnsText is what tcpdump prints of DNS: the number of the query, behind it an error and
// marks, then how many records an answer has, or the question (print-domain.c).
var dnsText = pattern.New(`^(\d{1,5})(?: ?(?:op\d+|inv_q|stat|[A-Za-z]+))?([*$|%+-]*) (?:(?:\[[^\]]*\] )*(?:q: [^?]*\? \S+ )?` +
	`(\d+)/(\d+)/(\d+)|(?:\[[^\]]*\] )*[A-Z0-9]+\?)`)

// Bits of the second word of a DNS header (RFC 1035, section 4.1.1; RFC 2535).
const (
	dnsResponse    = 1 << 15
	dnsAuthority   = 1 << 10
	dnsTruncated   = 1 << 9
	dnsRecursion   = 1 << 8
	dnsAvailable   = 1 << 7
	dnsAuthentic   = 1 << 5
	dnsHeaderBytes = 12
)

// dns is the header of the message that a line tells of, nil if it tells of none.
func dns(rest string) []byte {
	m := dnsText.FindStringSubmatch(rest)
	if m == nil {
		return nil
	}
	id, err := strconv.ParseUint(m[1], 10, 16)
	if err != nil {
		return nil
	}
	b := make([]byte, dnsHeaderBytes)
	binary.BigEndian.PutUint16(b, uint16(id))
	var flags uint16
	if m[3] == "" { // a question
		if strings.Contains(m[2], "+") {
			flags |= dnsRecursion
		}
		binary.BigEndian.PutUint16(b[4:], 1)
	} else {
		flags = dnsResponse | dnsAvailable
		for mark, bit := range map[string]uint16{"*": dnsAuthority, "|": dnsTruncated, "$": dnsAuthentic} {
			if strings.Contains(m[2], mark) {
				flags |= bit
			}
		}
		if strings.Contains(m[2], "-") {
			flags &^= dnsAvailable
		}
		for i, n := range m[3:6] {
			count, _ := strconv.ParseUint(n, 10, 16)
			binary.BigEndian.PutUint16(b[6+2*i:], uint16(count))
		}
	}
	binary.BigEndian.PutUint16(b[2:], flags)
	return b
}
