// Package clock reads the times of packets as programs print them, and puts the packets
// of a text on one line of time.
//
// It does not know what a packet is.
//
// Invariant: no time makes it panic, and a time that cannot be true moves nothing.
package clock

import (
	"strconv"
	"strings"
	"time"

	"netrepro/engine/pattern"
)

// Kind is how a time is written.
type Kind uint8

// Kinds of time.
const (
	None    Kind = iota
	OfDay        // 15:04:05.000000: of the day, since the first packet or since the one before
	Dated        // with a date
	Seconds      // 1700000000.000000: since 1970, since the first packet or since the one before
	Delta        // 000123: since the one before, as tcpdump 3 wrote it
)

// Stamp is a time as it stands in a line.
type Stamp struct {
	Kind Kind
	NS   int64 // in the unit of the kind: since midnight, since 1970, since the packet before
}

var (
	clockText = pattern.New(`^(-?)(\d{1,3}):([0-5]\d):([0-5]\d|60)(?:[.,](\d{1,9}))?([Zz]|[+-]\d\d:?\d\d)?(?:[ |]|$)`)
	dateText  = pattern.New(`^(?:(\d{4})[-/.](\d\d)[-/.](\d\d)|(\d\d)\.(\d\d)\.(\d{4}))[ T_]+`)
	nameText  = pattern.New(`^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? +)?(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)` +
		` +(\d{1,2})(?:,? (\d{4}))?,? +`)
	secondsText = pattern.New(`^(\d{1,10})[.](\d{1,9})(?: |$)`)
	deltaText   = pattern.New(`^(?:(\d{1,5})\. )?(\d{6})(?: |$)`)
	zoneText    = pattern.New(`^(?:[A-Z]{3,4}|[A-Z][a-z]+ (?:Standard|Daylight|Summer) Time) `)
)

var months = map[string]time.Month{"Jan": 1, "Feb": 2, "Mar": 3, "Apr": 4, "May": 5, "Jun": 6, "Jul": 7, "Aug": 8,
	"Sep": 9, "Oct": 10, "Nov": 11, "Dec": 12}

// Read takes a time from the front of a line; its kind is [None] if there is none.
func Read(s string) (st Stamp, rest string) {
	date, dated := int64(0), false
	if m := dateText.FindStringSubmatch(s); m != nil {
		y, mo, d := m[1], m[2], m[3]
		if y == "" {
			y, mo, d = m[6], m[5], m[4]
		}
		t, err := time.Parse("2006-01-02", y+"-"+mo+"-"+d)
		if err != nil {
			return Stamp{}, s
		}
		date, dated, rest = t.UnixNano(), true, s[len(m[0]):]
	} else if m := nameText.FindStringSubmatch(s); m != nil {
		year, day := 1970, number(m[2])
		if m[3] != "" {
			year = int(number(m[3]))
		}
		if day > 31 || year > maxYear {
			return Stamp{}, s
		}
		date = time.Date(year, months[m[1]], int(day), 0, 0, 0, 0, time.UTC).UnixNano()
		dated, rest = true, s[len(m[0]):]
	} else {
		rest = s
	}
	if m := clockText.FindStringSubmatch(rest); m != nil {
		ns := (number(m[2])*3600+number(m[3])*60+number(m[4]))*int64(time.Second) + fraction(m[5]) - zone(m[6])
		rest = strings.TrimLeft(rest[len(m[0]):], " |")
		if dated {
			return Stamp{Dated, date + ns}, strings.TrimPrefix(rest, zoneText.FindString(rest))
		}
		if m[1] != "" {
			ns = -ns
		}
		return Stamp{OfDay, ns}, rest
	}
	if dated {
		return Stamp{}, s
	}
	if m := deltaText.FindStringSubmatch(s); m != nil {
		return Stamp{Delta, number(m[1])*int64(time.Second) + number(m[2])*int64(time.Microsecond)}, s[len(m[0]):]
	}
	if m := secondsText.FindStringSubmatch(s); m != nil {
		return Stamp{Seconds, number(m[1])*int64(time.Second) + fraction(m[2])}, s[len(m[0]):]
	}
	return Stamp{}, s
}

// maxYear is the last of which all can be said in nanoseconds.
const maxYear = 2200

// number reads digits, of which the pattern has bounded the count.
func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64) // empty is 0
	return n
}

// fraction reads the digits behind the point as nanoseconds.
func fraction(s string) int64 { return number((s + "000000000")[:9]) }

// zone reads an offset from UTC.
func zone(s string) int64 {
	if len(s) < 5 {
		return 0
	}
	digits := strings.ReplaceAll(s[1:], ":", "")
	ns := (number(digits[:2])*3600 + number(digits[2:])*60) * int64(time.Second)
	if s[0] == '-' {
		return -ns
	}
	return ns
}
