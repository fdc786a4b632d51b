//go:build linux

package socket

import (
	"time"

	"golang.org/x/sys/unix"
)

// OptionKind is what the value of an option is.
type OptionKind uint8

// Kinds of option value.
const (
	flagOption    OptionKind = iota // on or off
	NumberOption                    // an integer from Min to Max
	BytesOption                     // a size
	SecondsOption                   // a time in whole seconds, rounded up
	MillisOption                    // a time in milliseconds
	TextOption                      // a name
	WordOption                      // one of Words
)

// Option is a socket option that a script may set.
type Option struct {
	Name, Doc  string
	Kind       OptionKind
	Level, Key int
	// Level6 and Key6 are those of an IPv6 socket, if others.
	Level6, Key6 int
	Min, Max     int
	Words        map[string]int
	// Early options only act before bind or listen, so that set cannot change
	// them.
	Early bool
}

// Number is what the kernel takes for a time.
func (o *Option) Number(d time.Duration) int {
	unit := time.Second
	if o.Kind == MillisOption {
		unit = time.Millisecond
	}
	return int((d + unit - 1) / unit)
}

// mtuWords are what sockets do about the path MTU (ip(7), IP_MTU_DISCOVER).
var mtuWords = map[string]int{
	"dont":      unix.IP_PMTUDISC_DONT,
	"want":      unix.IP_PMTUDISC_WANT,
	"do":        unix.IP_PMTUDISC_DO,
	"probe":     unix.IP_PMTUDISC_PROBE,
	"interface": unix.IP_PMTUDISC_INTERFACE,
	"omit":      unix.IP_PMTUDISC_OMIT,
}

// Known are the options, of TCP sockets alone where Level is TCP's.
var Known = []*Option{
	{Name: "nodelay", Doc: "TCP_NODELAY: do not gather small writes",
		Level: unix.IPPROTO_TCP, Key: unix.TCP_NODELAY},
	{Name: "cork", Doc: "TCP_CORK: send full segments only",
		Level: unix.IPPROTO_TCP, Key: unix.TCP_CORK},
	{Name: "quickack", Doc: "TCP_QUICKACK: acknowledge at once",
		Level: unix.IPPROTO_TCP, Key: unix.TCP_QUICKACK},
	{Name: "keepalive", Doc: "SO_KEEPALIVE: ask an idle peer whether it is there",
		Level: unix.SOL_SOCKET, Key: unix.SO_KEEPALIVE},
	{Name: "keepidle", Doc: "TCP_KEEPIDLE: how long idle before the first keep-alive",
		Kind: SecondsOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_KEEPIDLE},
	{Name: "keepintvl", Doc: "TCP_KEEPINTVL: between keep-alives",
		Kind: SecondsOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_KEEPINTVL},
	{Name: "keepcnt", Doc: "TCP_KEEPCNT: how many unanswered keep-alives are the end",
		Kind: NumberOption, Min: 1, Max: 127, Level: unix.IPPROTO_TCP, Key: unix.TCP_KEEPCNT},
	{Name: "rcvbuf", Doc: "SO_RCVBUF: bytes asked for; the kernel doubles it",
		Kind: BytesOption, Level: unix.SOL_SOCKET, Key: unix.SO_RCVBUF},
	{Name: "sndbuf", Doc: "SO_SNDBUF: bytes asked for; the kernel doubles it",
		Kind: BytesOption, Level: unix.SOL_SOCKET, Key: unix.SO_SNDBUF},
	{Name: "mss", Doc: "TCP_MAXSEG",
		Kind: NumberOption, Min: 88, Max: 32767, Level: unix.IPPROTO_TCP, Key: unix.TCP_MAXSEG},
	{Name: "window_clamp", Doc: "TCP_WINDOW_CLAMP: the largest window offered",
		Kind: BytesOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_WINDOW_CLAMP},
	{Name: "notsent_lowat", Doc: "TCP_NOTSENT_LOWAT: unsent bytes above which it takes no more",
		Kind: BytesOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_NOTSENT_LOWAT},
	{Name: "user_timeout", Doc: "TCP_USER_TIMEOUT: how long data may stay unacknowledged",
		Kind: MillisOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_USER_TIMEOUT},
	{Name: "linger2", Doc: "TCP_LINGER2: seconds in FIN_WAIT2 after close; -1 makes close reset there",
		Kind: NumberOption, Min: -1, Max: 120, Level: unix.IPPROTO_TCP, Key: unix.TCP_LINGER2},
	{Name: "syncnt", Doc: "TCP_SYNCNT: how often a SYN is sent again",
		Kind: NumberOption, Min: 1, Max: 127, Level: unix.IPPROTO_TCP, Key: unix.TCP_SYNCNT},
	{Name: "defer_accept", Doc: "TCP_DEFER_ACCEPT: a listener wakes when data comes, or after this time",
		Kind: SecondsOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_DEFER_ACCEPT},
	{Name: "fastopen", Doc: "TCP_FASTOPEN: of a listener, how many connections may carry data in the SYN",
		Kind: NumberOption, Min: 0, Max: 65535, Level: unix.IPPROTO_TCP, Key: unix.TCP_FASTOPEN, Early: true},
	{Name: "fastopen_connect", Doc: "TCP_FASTOPEN_CONNECT: the first write goes in the SYN",
		Level: unix.IPPROTO_TCP, Key: unix.TCP_FASTOPEN_CONNECT, Early: true},
	{Name: "congestion", Doc: "TCP_CONGESTION: the congestion control",
		Kind: TextOption, Level: unix.IPPROTO_TCP, Key: unix.TCP_CONGESTION},
	{Name: "tos", Doc: "IP_TOS or IPV6_TCLASS: DSCP and ECN bits",
		Kind: NumberOption, Min: 0, Max: 255, Level: unix.IPPROTO_IP, Key: unix.IP_TOS, Level6: unix.IPPROTO_IPV6,
		Key6: unix.IPV6_TCLASS},
	{Name: "ttl", Doc: "IP_TTL or IPV6_UNICAST_HOPS",
		Kind: NumberOption, Min: 1, Max: 255, Level: unix.IPPROTO_IP, Key: unix.IP_TTL, Level6: unix.IPPROTO_IPV6,
		Key6: unix.IPV6_UNICAST_HOPS},
	{Name: "mtu_discover", Doc: "IP_MTU_DISCOVER: what it does about the path MTU",
		Kind: WordOption, Words: mtuWords, Level: unix.IPPROTO_IP, Key: unix.IP_MTU_DISCOVER, Level6: unix.IPPROTO_IPV6,
		Key6: unix.IPV6_MTU_DISCOVER},
	{Name: "recverr", Doc: "IP_RECVERR: ICMP errors fail the socket, even UDP's and soft ones of TCP",
		Level: unix.IPPROTO_IP, Key: unix.IP_RECVERR, Level6: unix.IPPROTO_IPV6, Key6: unix.IPV6_RECVERR},
	{Name: "transparent", Doc: "IP_TRANSPARENT: addresses of others may be bound to",
		Level: unix.IPPROTO_IP, Key: unix.IP_TRANSPARENT, Level6: unix.IPPROTO_IPV6, Key6: unix.IPV6_TRANSPARENT,
		Early: true},
	{Name: "freebind", Doc: "IP_FREEBIND: addresses that are not there yet may be bound to",
		Level: unix.IPPROTO_IP, Key: unix.IP_FREEBIND, Level6: unix.IPPROTO_IPV6, Key6: unix.IPV6_FREEBIND,
		Early: true},
	{Name: "mark", Doc: "SO_MARK: a mark for firewall and routing rules",
		Kind: NumberOption, Min: 0, Max: 1<<31 - 1, Level: unix.SOL_SOCKET, Key: unix.SO_MARK},
	{Name: "priority", Doc: "SO_PRIORITY",
		Kind: NumberOption, Min: 0, Max: 6, Level: unix.SOL_SOCKET, Key: unix.SO_PRIORITY},
	{Name: "reuseport", Doc: "SO_REUSEPORT: several sockets share a port",
		Level: unix.SOL_SOCKET, Key: unix.SO_REUSEPORT, Early: true},
	{Name: "broadcast", Doc: "SO_BROADCAST: of UDP, may send to broadcast addresses",
		Level: unix.SOL_SOCKET, Key: unix.SO_BROADCAST},
}

// BindToDevice is SO_BINDTODEVICE: packets of one device alone. A script names the
// wire.
var BindToDevice = &Option{Name: "device", Kind: TextOption, Level: unix.SOL_SOCKET, Key: unix.SO_BINDTODEVICE,
	Early: true}

// OptionOf is the known option of that name, nil if there is none.
func OptionOf(name string) *Option {
	for _, o := range Known {
		if o.Name == name {
			return o
		}
	}
	return nil
}
