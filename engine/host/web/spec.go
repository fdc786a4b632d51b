//go:build linux

package web

import (
	"crypto/tls"
	"strings"
	"time"

	"netrepro/engine/host/socket"
)

// Spec says what a server is and answers. Times of 0 are nginx's defaults;
// [never] is for ever.
type Spec struct {
	Port      int
	Backlog   int  // of listen(2); 0 is 511
	ReusePort bool // as many listening sockets as Workers
	Workers   int
	Options   socket.Options

	TLS *tls.Config // nil for plain HTTP
	// BufferSize is ssl_buffer_size: no TLS record is larger. 0 is 16 KB.
	BufferSize int
	// NoCloseNotify closes TLS connections without saying so in TLS.
	NoCloseNotify bool

	// KeepaliveTimeout is how long a connection may be idle between requests;
	// [Off] closes after each answer. 0 is 75 s.
	KeepaliveTimeout  time.Duration
	KeepaliveRequests int // on one connection; 0 is 1000
	// Lingering says what is done about what the client still sends when the
	// server closes.
	Lingering        Lingering
	LingeringTime    time.Duration // altogether; 0 is 30 s
	LingeringTimeout time.Duration // without anything coming; 0 is 5 s
	// LeaveBody closes with the rest of a request's body unread, which nginx
	// never does.
	LeaveBody bool
	// ResetTimedout resets connections that time out instead of closing them.
	ResetTimedout bool
	HeaderTimeout time.Duration // client_header_timeout; 0 is 60 s
	BodyTimeout   time.Duration // client_body_timeout, between two reads; 0 is 60 s
	SendTimeout   time.Duration // between two writes; 0 is 60 s
	// MaxBody is client_max_body_size: larger requests get 413. 0 is 1 MB, -1
	// no bound.
	MaxBody int

	Routes []Route
	// Gate, if set, bounds how many requests are worked on at once, as few
	// processors do.
	Gate int
}

// Off turns a timeout's feature off, never makes it endless.
const (
	Off   time.Duration = -1
	never time.Duration = -2
)

// Lingering is nginx's lingering_close.
type Lingering string

// Values of lingering_close.
const (
	lingerOn     Lingering = "on" // if the client may still send
	lingerOff    Lingering = "off"
	lingerAlways Lingering = "always"
)

// Route is what is answered to requests of a path.
type Route struct {
	// Path is exact, or if it ends in "/" the beginning of one.
	Path   string
	Method string // empty for all
	Status int    // 0 is 200
	Body   []byte
	Header [][2]string
	Delay  time.Duration // before the answer
	// Chunked sends the body in chunks of so many bytes, without
	// Content-Length; 0 does not.
	Chunked int
	// Drip sends so many bytes of the body at a time, Every so often; 0 sends
	// all at once.
	Drip  int
	Every time.Duration
	// Upload reads the whole request's body before it answers.
	Upload bool
	// Close answers with Connection: close and closes.
	Close bool
	// Cut closes the connection after so many bytes of the body; 0 does not.
	Cut int
}

// Served is one request that a server had.
type Served struct {
	Method, Path, Proto string
	Peer                string
	Status              int
	Sent, Received      int // bytes of bodies
	Conn, N             int // number of the connection, and of the request on it
	Took                time.Duration
	Err                 string // what ended it early
}

func or(d, def time.Duration) time.Duration {
	if d == 0 {
		return def
	}
	return d
}

func (s *Spec) defaults() {
	s.KeepaliveTimeout = or(s.KeepaliveTimeout, 75*time.Second)
	s.LingeringTime, s.LingeringTimeout = or(s.LingeringTime, 30*time.Second), or(s.LingeringTimeout, 5*time.Second)
	s.HeaderTimeout, s.BodyTimeout = or(s.HeaderTimeout, time.Minute), or(s.BodyTimeout, time.Minute)
	s.SendTimeout = or(s.SendTimeout, time.Minute)
	for p, def := range map[*int]int{
		&s.Backlog: 511, &s.BufferSize: 16 << 10, &s.KeepaliveRequests: 1000, &s.MaxBody: 1 << 20, &s.Workers: 1,
	} {
		if *p == 0 {
			*p = def
		}
	}
	if s.Lingering == "" {
		s.Lingering = lingerOn
	}
	if !s.ReusePort {
		s.Workers = 1
	}
}

// route is the route of a path: the exact one, or the longest that begins it.
func (s *Spec) route(method, path string) *Route {
	var best *Route
	for i := range s.Routes {
		r := &s.Routes[i]
		if r.Method != "" && r.Method != method {
			continue
		}
		if r.Path == path {
			return r
		}
		begins := strings.HasSuffix(r.Path, "/") && strings.HasPrefix(path, r.Path)
		if begins && (best == nil || len(r.Path) > len(best.Path)) {
			best = r
		}
	}
	return best
}
