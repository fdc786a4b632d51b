package clock

import "time"

const (
	day    = int64(24 * time.Hour)
	hour   = int64(time.Hour)
	second = int64(time.Second)
	// believed is how far a time may go back: packets of several processors are not
	// printed in order.
	believed = second
	// near is how far a time may be from the one before of its line of time.
	near = 10 * int64(time.Minute)
	// since1970 is the least number of seconds that is taken for a date.
	since1970 = 100_000_000 * second
)

// Clock puts the times of a text on one line. Give it with [Clock.Look] the times that
// come before those are asked for: only a time that falls tells that times are since the
// packet before.
type Clock struct {
	now   int64
	begun bool
	kind  Kind
	day   int64

	// Looked at, ahead of now.
	falling Kind // times of this kind are since the packet before
	decided bool
	ahead   int64
	looked  bool
	zero    bool // the first is 0, as tcpdump -ttt and -ttttt print it
	more    int  // how many after it are not

	lines []timeline // of which the first is that of the first packet
}

// timeline is a clock by which some packets of a text are timed. A text has more than
// one where captures were joined, or two interfaces have clocks of their own.
type timeline struct {
	offset int64 // to what the first one says
	last   int64 // as printed
}

// maxLines bounds how many clocks a text has.
const maxLines = 8

// Look takes in a time before it is its turn. It reports whether all is known that
// decides what times of its kind count from.
func (c *Clock) Look(s Stamp) (decided bool) {
	switch {
	case c.decided || s.Kind == None:
		return c.decided
	case s.Kind == Dated || s.Kind == Delta, s.Kind == Seconds && s.NS >= since1970:
		c.decided = true
	case s.NS > 3*hour: // nobody waits that long for a packet
		c.decided = true
	case s.NS < 0:
		c.falling, c.decided = s.Kind, true
	case c.looked && s.NS < c.ahead && (c.ahead-s.NS > second/1000 || s.NS < 10*second):
		c.falling, c.decided = s.Kind, true
	}
	if !c.looked {
		c.zero = s.Kind == OfDay && s.NS == 0
	} else if s.NS > 0 {
		c.more++
	}
	c.ahead, c.looked = s.NS, true
	return c.decided
}

// Decided reports whether all is known that decides what times count from.
func (c *Clock) Decided() bool { return c.decided }

// Either reports whether times could count from the packet before as well as from the first:
// no gap is shorter than the one before it, as with a SYN that is sent again and again. They
// were taken to count from the first.
func (c *Clock) Either() bool { return !c.decided && c.zero && c.more > 1 }

// Time is when a packet was captured, in nanoseconds, by its time and those before it.
func (c *Clock) Time(s Stamp) int64 {
	switch {
	case s.Kind == None: // nothing is known: with the one before
	case s.Kind == Delta, c.decided && c.falling == s.Kind:
		if c.begun {
			c.now += s.NS
		}
		c.begun = true
	default:
		c.absolute(s)
	}
	return c.now
}

// absolute takes in a time that does not count from the packet before.
func (c *Clock) absolute(s Stamp) {
	t := s.NS
	if s.Kind == OfDay {
		t += c.day
		if c.begun && c.kind == OfDay {
			if last := c.lines[0].last; last%day >= 18*hour && t < last-18*hour { // past midnight
				c.day += day
				t += day
			}
		}
	}
	if !c.begun || s.Kind != c.kind && len(c.lines) == 0 {
		c.begun, c.kind, c.now = true, s.Kind, t
		c.lines = []timeline{{0, t}}
		return
	}
	c.kind = s.Kind
	best := 0
	for i := range c.lines {
		if distance(t, c.lines[i].last) < distance(t, c.lines[best].last) {
			best = i
		}
	}
	l := &c.lines[best]
	switch {
	case t >= l.last-believed && (best == 0 || t-l.last < near):
	case len(c.lines) < maxLines:
		// A clock that is not the one before: its first packet is as late as the last.
		c.lines = append(c.lines, timeline{offset: c.now - t, last: t})
		l = &c.lines[len(c.lines)-1]
	default:
		l.offset = c.now - t
	}
	l.last = t
	now := t + l.offset
	if now < c.now-believed || best > 0 && now < c.now {
		now = c.now
		l.offset = now - t
	}
	c.now = now
}

func distance(a, b int64) int64 {
	if a < b {
		return b - a
	}
	return a - b
}
