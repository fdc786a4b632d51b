package trace

import "netrepro/engine/analysis"

// flow is what one capture point knows of one connection: what went out there
// and what the acknowledgements that came in said of it.
type flow struct {
	conn *Conn
	out  analysis.Sender
}
