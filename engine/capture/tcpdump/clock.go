package tcpdump

import (
	"strconv"
	"strings"
	"time"
)

// clock turns the times of the lines into nanoseconds. tcpdump has five ways to
// write them; without any, packets are a microsecond apart.
type clock struct {
	now  int64
	day  int64
	last int64 // of a time without date
	any  bool
	// Times since the packet before (-ttt) are known by that they begin at 0
	// and fall; until they do, they are taken for times since the first.
	zero, delta bool
}

const (
	day     = int64(24 * time.Hour)
	halfDay = day / 2
)

// stamp takes the time from the front of a line, and the packet's number
// (--number). ok is false if the line cannot be that of a packet.
func (r *Reader) stamp(line string) (rest string, ok bool) {
	c := &r.clock
	rest = strings.TrimLeft(line, " ")
	word, after, found := strings.Cut(rest, " ")
	if found && isNumber(word) { // --number prints it before the time
		after = strings.TrimLeft(after, " ")
		if w, _, _ := strings.Cut(after, " "); timeOf(w) {
			rest = after
			word, after, found = strings.Cut(rest, " ")
		}
	}
	if !found {
		return "", false
	}
	if date, err := time.Parse("2006-01-02", word); err == nil { // -tttt
		clockWord, more, _ := strings.Cut(after, " ")
		ns, ok := clockTime(clockWord)
		c.now, c.any = date.UnixNano()+ns, true
		return more, ok
	}
	if ns, ok := clockTime(word); ok { // the default, -ttt or -ttttt
		switch {
		case !c.any:
			c.zero = ns == 0
		case c.zero && ns < c.last: // it began at 0 and does not rise: -ttt
			c.delta = true
		case ns+halfDay < c.last:
			c.day += day // past midnight
		}
		if c.delta {
			c.now += ns
		} else {
			c.now = c.day + ns
		}
		c.last, c.any = ns, true
		return after, true
	}
	if ns, ok := epoch(word); ok { // -tt
		c.now, c.any = ns, true
		return after, true
	}
	if !c.any { // -t
		c.now += int64(time.Microsecond)
	}
	return rest, !c.any
}

func isNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 32)
	return err == nil
}

func timeOf(s string) bool {
	_, err := time.Parse("2006-01-02", s)
	_, clock := clockTime(s)
	_, secs := epoch(s)
	return err == nil || clock || secs
}

// clockTime reads "15:04:05.000000", with up to nine digits.
func clockTime(s string) (int64, bool) {
	t, err := time.Parse("15:04:05", s)
	if err != nil || !strings.Contains(s, ".") {
		return 0, false
	}
	return t.Sub(time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)).Nanoseconds(), true
}

// epoch reads "1700000000.000000".
func epoch(s string) (int64, bool) {
	whole, frac, ok := strings.Cut(s, ".")
	if !ok || len(frac) > 9 {
		return 0, false
	}
	sec, err := strconv.ParseUint(whole, 10, 33)
	if err != nil {
		return 0, false
	}
	ns, err := strconv.ParseUint((frac + "000000000")[:9], 10, 32)
	return int64(sec)*1e9 + int64(ns), err == nil
}
