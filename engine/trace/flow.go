package trace

import (
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
)

// flow is what one capture point knows of one connection: what went out there
// and what the acknowledgements that came in said of it.
type flow struct {
	conn *Conn
	out  tcp.Sender
	app  payload.Stream // what goes out, if anybody asks
	own  bool           // what goes out there comes from the node itself
}
