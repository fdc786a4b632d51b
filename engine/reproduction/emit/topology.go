package emit

import (
	"fmt"
	"slices"
	"strings"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/emit/phrase"
)

// topology writes the hosts and what is between them.
func (w *writer) topology() {
	inc := w.inc
	w.line("topology = path {")
	w.depth++
	delay := ""
	if inc.Delay > 0 {
		delay = ", delay = " + phrase.Quote(inc.Delay)
	}
	note := fmt.Sprintf("  -- inferred: half a round trip, seen %s", seenAt(inc.Vantage))
	if inc.Delay == 0 {
		note = ""
	}
	client, server := w.mtu(reproduction.Client), w.mtu(reproduction.Server)
	w.line("%s,", w.host(reproduction.Client))
	switch {
	case inc.Narrow != nil:
		w.line("wire { name = \"wan\"%s%s },%s", delay, one(client), note)
		w.line("router \"near\",")
		if inc.Narrow.Guess {
			w.line("-- guess: the MTU lies between what passed and what did not")
		}
		w.line("wire { name = \"narrow\", mtu = %d },", inc.Narrow.MTU)
		w.line("router \"far\",")
		w.line("wire { name = \"lan\"%s },", one(server))
	case inc.Reject != nil || w.ttl():
		w.line("wire { name = \"wan\"%s%s },%s", delay, one(client), note)
		w.line("router \"edge\",")
		w.line("wire { name = \"lan\"%s },", one(server))
	default:
		mtu := ""
		if client != 1500 || server != 1500 {
			mtu = fmt.Sprintf(", mtu = { %d, %d }", client, server)
			w.line("-- inferred: the MTUs are those that the offered MSS speak of")
		}
		w.line("wire { name = \"wan\"%s%s },%s", delay, mtu, note)
	}
	w.line("%s,", w.host(reproduction.Server))
	if inc.IPv6 {
		w.line("ip = 6,")
	}
	w.depth--
	w.line("},")
}

// ttl reports packets that do not live to the server.
func (w *writer) ttl() bool {
	return slices.ContainsFunc(w.inc.Flows, func(f *reproduction.Flow) bool { return f.TTL > 0 })
}

func seenAt(v reproduction.Vantage) string {
	if v == reproduction.Everywhere {
		return "from both ends"
	}
	return "from the " + string(v)
}

// one is an MTU of a wire, if it is not the usual one.
func one(mtu int) string {
	if mtu == 1500 {
		return ""
	}
	return fmt.Sprintf(", mtu = %d", mtu)
}

// mtu is that of a side's device.
func (w *writer) mtu(side int) int {
	m := w.inc.MTU[side]
	least := 576
	if w.inc.IPv6 {
		least = 1280
	}
	if m == 0 {
		return 1500
	}
	return min(max(m, least), 65535)
}

// host is a side with its settings.
func (w *writer) host(side int) string {
	p := w.inc.Plain[side]
	var set []string
	if p.NoTimestamps {
		set = append(set, `["net.ipv4.tcp_timestamps"] = 0`)
	}
	if p.NoSACK {
		set = append(set, `["net.ipv4.tcp_sack"] = 0`)
	}
	if p.NoScaling {
		set = append(set, `["net.ipv4.tcp_window_scaling"] = 0`)
	}
	if len(set) == 0 {
		return fmt.Sprintf("host %q", phrase.Sides[side])
	}
	return fmt.Sprintf("host { %q, sysctl = { %s } }", phrase.Sides[side], strings.Join(set, ", "))
}
