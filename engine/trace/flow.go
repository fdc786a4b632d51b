package trace

import "netrepro/engine/analysis"

// flow is what one capture point knows of one connection: what went out there
// and what the acknowledgements that came in said of it.
type flow struct {
	conn *Conn
	out  analysis.Sender
}

// before reports a < b in sequence space (RFC 9293, section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }
