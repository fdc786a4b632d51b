package text

import (
	"net/netip"
	"strings"

	"netrepro/engine/anonymize/standin"
	"netrepro/engine/capture/tcpdump"
	"netrepro/engine/pattern"
	"netrepro/engine/tcp/payload"
)

// Line replaces what a line that tells of a packet says of anybody: each word that is no
// number and none of tcpdump's, by another. What tcpdump shows of a segment's payload, behind
// its length, is left out.
func Line(m *standin.Map, line string) string {
	line = strings.TrimRight(line, " \t\r\n")
	carried := ""
	if i := strings.Index(line, "Flags ["); i >= 0 {
		if at := payloadBegins.FindStringIndex(line[i:]); at != nil {
			carried = startLine(line[i+at[1]:])
			line = line[:i+at[1]-1]
		}
	}
	if at := listed.FindStringSubmatchIndex(line); at != nil {
		carried = line[at[2]:at[3]]
		if !strings.HasPrefix(carried, "HTTP") {
			carried += " / HTTP/1.1"
		}
		if at[4] >= 0 {
			carried += line[at[4]:at[5]]
		}
		line = line[:at[2]]
	}
	var b strings.Builder
	flags := false
	for i := 0; i < len(line); {
		n := i
		for n < len(line) && !strings.ContainsRune(between, rune(line[n])) {
			n++
		}
		if n == i {
			flags = line[i] == '[' && strings.HasSuffix(line[:i], "Flags ")
			b.WriteByte(line[i])
			i++
			continue
		}
		word := line[i:n]
		if flags && flagSet.MatchString(word) || n == len(line) && strings.HasPrefix("options", word) { // cut
			b.WriteString(word)
		} else {
			b.WriteString(Word(m, word))
		}
		flags, i = false, n
	}
	return b.String() + carried
}

// startLine is what is left of an HTTP start line that tcpdump shows: the method, or the
// status.
func startLine(s string) string {
	m := starts.FindStringSubmatch(s)
	switch {
	case m == nil:
		return ""
	case strings.HasPrefix(m[1], "HTTP"):
		return ": HTTP: " + m[1]
	}
	return ": HTTP: " + m[1] + " / HTTP/1.1"
}

// starts are start lines of HTTP (RFC 9112, sections 3 and 4) without what they are about.
var starts = pattern.New(`^ HTTP: (` + payload.MethodPattern + `|HTTP/1\.\d \d{3})\b`)

// listed is a start line in a list of packets, and what the list says behind it.
var listed = pattern.New(`(?:→ *|[ \t])\S+[ \t]+(?:\d+[ \t]+\d+[ \t]+)?(?:HTTP(?:/[A-Z]+)?|TCP)[ \t]+\d+[ \t]+(` +
	payload.MethodPattern + `|HTTP/1\.\d \d{3})` +
	`\b[^\[]*( *\[TCP segment of a reassembled PDU\])?`)

// payloadBegins is where tcpdump goes on with what a segment carries.
var payloadBegins = pattern.New(`, length \d+:`)

// between is what stands between words.
const between = " \t,;()[]{}<>\"|="

var (
	flagSet = pattern.New(`^[FSRPUEWe.]{1,9}$`)
	// oldFlags are those of the notation before tcpdump 4.1, in its order.
	oldFlags = pattern.New(`^(F?S?R?P?\.?U?[EW]{0,2}|[SFRP]{1,2})$`)
	macAddr  = pattern.New(`^(?i:[0-9a-f]{1,2}:){5}(?i:[0-9a-f]{1,2})$`)
	number   = pattern.New(`^([0-9][0-9:.+*/-]{0,40}|[+-][0-9][0-9.:]{0,20}|0x[0-9a-f]{1,8}|[0-9]{1,10}(ns|us|ms|s|m|h|d))$`)
	service  = pattern.New(`^[0-9]{1,5}$`)
	arrows   = pattern.New(`^([->.:*#?!+-]{1,4}|→)$`)
)

// Word is what stands in for a word: an address for an address, a name for a name. Numbers
// and the words of tcpdump stay.
func Word(m *standin.Map, word string) string {
	body := strings.TrimRight(word, ".:!?+*%")
	tail := word[len(body):]
	switch {
	case arrows.MatchString(word), oldFlags.MatchString(word):
		return word
	case body == "":
		return strings.Repeat(".", len(tail))
	case macAddr.MatchString(body):
		return mac(m, body) + tail
	}
	if s, ok := address(m, body); ok {
		return s + tail
	}
	if number.MatchString(body) || known[body] || device.MatchString(body) {
		return word
	}
	if i := strings.LastIndexByte(body, '.'); i > 0 && (service.MatchString(body[i+1:]) ||
		tcpdump.IsService(body[i+1:])) {
		return m.Name(body[:i]) + body[i:] + tail
	}
	return m.Name(body) + tail
}

// device is the usual name of a network device, which tells its kind and nobody's name.
var device = pattern.New(`^(?:eth|en[ops]|ens|em|wlan|wl|lo|any|wg|tun|tap|utun|ppp|gre|sit|vti|ipsec|bond|br|vxlan|` +
	`veth|docker|cni|cali|lxc|bridge|dummy|vlan|pflog|pktap)[0-9]{0,4}$`)

// begins is how such names begin, where something else follows.
var begins = pattern.New(`^(?:eth|en|em|wl|wg|tun|tap|utun|ppp|gre|sit|vti|ipsec|bond|br|vxlan|veth|docker|cni|cali|` +
	`lxc|vlan|vpn|xfrm|l2tp|tailscale|zt|nordlynx)`)

// Device is what stands in for the name of a network device: one that tells its kind.
func Device(m *standin.Map, name string) string {
	if device.MatchString(name) {
		return name
	}
	if kind := begins.FindString(name); kind != "" {
		return kind + "0"
	}
	return m.Name(name)
}

// address replaces an address, with a port behind a dot or a colon, or with the length
// of a prefix.
func address(m *standin.Map, s string) (string, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return m.Addr(a.WithZone("")).String(), true
	}
	for _, sep := range []byte(".:/") {
		i := strings.LastIndexByte(s, sep)
		if i <= 0 {
			continue
		}
		rest := s[i+1:]
		if !service.MatchString(rest) && !tcpdump.IsService(rest) {
			continue
		}
		a, err := netip.ParseAddr(s[:i])
		if err == nil && (sep != ':' || a.Is4()) {
			return m.Addr(a.WithZone("")).String() + s[i:], true
		}
	}
	return "", false
}

// mac replaces an Ethernet address, whose numbers may be written with one digit.
func mac(m *standin.Map, s string) string {
	const digits = "0123456789abcdef"
	var a [6]byte
	for i, part := range strings.Split(strings.ToLower(s), ":") {
		for _, c := range []byte(part) {
			a[i] = a[i]<<4 | byte(strings.IndexByte(digits, c))
		}
	}
	var b []byte
	for i, c := range m.MAC(a) {
		if i > 0 {
			b = append(b, ':')
		}
		b = append(b, digits[c>>4], digits[c&15])
	}
	return string(b)
}

func set(words string) map[string]bool {
	out := map[string]bool{}
	for _, w := range strings.Fields(words) {
		out[w] = true
	}
	return out
}

// known are the words of tcpdump that name no one.
var known = set(`
IP IP6 ARP RARP ICMP ICMP6 IGMP TCP UDP GRE ESP AH OSPF VRRP IPv4 IPv6 Out In B M P Ethernet
ethertype vlan ifindex oui Unknown unknown Broadcast
tos ttl hlim id offset flags proto length class flowlabel next-header payload DF MF none options
Flags cksum correct incorrect seq ack win urg length mss sackOK sack TS val ecr nop eol wscale timestamp
mptcp capable dss join tfo cookie cookiereq md5 unknown-253 unknown-254 bad hdr too short len
echo request reply unreachable need to frag mtu admin prohibited filter host net port protocol tcp udp
time exceeded in-transit reassembly redirect packet big no route neighbor neighbour solicitation advertisement router
who-has tell is-at Request Reply Announcement Probe ff:ff:ff:ff:ff:ff tgt is from
source address lladdr administratively unreach
A AAAA PTR CNAME MX TXT SRV SOA NS ANY HTTPS SVCB NXDomain ServFail Refused OPT AR AN NS q
truncated-ip bytes missing DHCP
icmp icmp6 igmp ip ip6 arp ip-proto-6 ip-proto-17 ip-proto-1 fragmentation needed precedence violation cutoff failed
quench parameter problem stamp query mask sol adv multicast listener report prohibited
VXLAN I vni GREv0 GREv1 IP-IP Geneve GTP
SYN ACK RST FIN PSH URG ECE CWR Seq Ack Win Len MSS SACK_PERM TSval TSecr WS SLE SRE TLSv1 TLSv1.1 TLSv1.2 TLSv1.3
HTTP HTTP/JSON HTTP/XML DNS ICMPv6 MDNS QUIC SSH SMTP Retransmission Dup Keep-Alive ZeroWindow Window Update
Full Out-Of-Order Previous segment not
captured Port numbers reused Fast Spurious Transmission Hello Certificate Alert Application Data
Level Warning Fatal Description Unexpected Message Bad Record MAC Overflow Decompression Failure Handshake No
Unsupported Revoked Expired CA Access Denied Decode Error Decrypt Protocol Version Insufficient Security
Internal Inappropriate
Fallback User Canceled Renegotiation Missing Extension Unrecognized Name Status Response PSK Identity Required
Illegal Parameter
Echo ping in Destination Unreachable Time-to-live Fragmentation Host Network Communication filtered live transit Hop
limit Redirect Too Big Packet
DHCP BOOTP NTPv4 NTPv3 Client Server sum ok wrong invalid
|  - -- > <
`)
