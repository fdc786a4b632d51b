//go:build linux

package args

import (
	"strconv"
	"strings"

	"netrepro/engine/pattern"

	lua "github.com/yuin/gopher-lua"
)

// amount is a number and a unit as people write them.
var amount = pattern.New(`^\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-zµμ/]+)\s*$`)

// Units as other tools and people write them, in small letters, and what they are here.
var (
	durationWords = words("ns nsec nanosecond nanoseconds", "us µs μs usec usecs microsecond microseconds",
		"ms msec msecs millis millisecond milliseconds", "s sec secs second seconds", "m min mins minute minutes",
		"h hr hrs hour hours", "d day days")
	rateWords = words("bit bps bit/s bits bits/s b/s", "kbit kbps kbit/s kbits kb/s k", "Mbit mbit mbps mbit/s mbits mb/s m",
		"Gbit gbit gbps gbit/s gbits gb/s g")
	sizeWords = words("B b byte bytes", "KiB kib k", "MiB mib m mb", "GiB gib g gb")
)

// words is which unit is meant by each word; a unit is the first of its own.
func words(units ...string) map[string]string {
	out := map[string]string{}
	for _, u := range units {
		all := strings.Fields(u)
		for _, w := range all {
			out[w] = all[0]
		}
	}
	return out
}

// respelled is the hint for an amount that is written otherwise than here, if taken takes
// what it then is, or else hint. A capital B tells that bytes a second are meant: "10MB/s"
// is 80 Mbit. Without it some tools mean bits, others bytes, as tc does ("mbps").
func respelled(x lua.LValue, units map[string]string, taken func(string) bool, hint string) string {
	s, ok := x.(lua.LString)
	if !ok {
		return hint
	}
	m := amount.FindStringSubmatch(string(s))
	if m == nil {
		return hint
	}
	number, unit := m[1], units[strings.ToLower(m[2])]
	if taken(number + m[2]) { // but for blanks
		return `write "` + number + m[2] + `"`
	}
	if unit == "" || !taken(number+unit) {
		return hint
	}
	n, err := strconv.ParseFloat(number, 64)
	if !strings.HasSuffix(unit, "bit") || err != nil {
		return `write "` + number + unit + `"`
	}
	octets := strconv.FormatFloat(8*n, 'f', -1, 64) + unit
	stem, perSecond := strings.CutSuffix(strings.ToLower(m[2]), "ps")
	if !perSecond {
		stem = strings.TrimSuffix(stem, "/s")
	}
	switch bytes := m[2][len(stem)-1] == 'B'; {
	case bytes && (m[2] != strings.ToUpper(m[2]) || !perSecond):
		return `write "` + octets + `"`
	case strings.HasSuffix(stem, "b"):
		return `write "` + number + unit + `", or "` + octets + `" if these are bytes, as with tc`
	}
	return `write "` + number + unit + `"`
}
