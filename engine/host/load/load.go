//go:build linux

package load

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"netrepro/engine/host/socket"
	"netrepro/engine/host/webclient"
)

// MaxRequests bounds how many requests one load makes.
const MaxRequests = 1 << 20

// Spec says what is asked, how often and over how many connections.
type Spec struct {
	Target  webclient.Target
	Request webclient.Request
	// Connections is how many there are at once at most; with KeepAlive they are
	// all opened before the first request is due.
	Connections int
	// KeepAlive keeps connections open between requests; otherwise each request
	// has one of its own.
	KeepAlive bool
	// Rate is requests a second, each due at its time whatever became of those
	// before; 0 asks again as soon as an answer is there.
	Rate float64
	// Requests is how many are made, Lasts for how long; one of them may be 0.
	Requests int
	Lasts    time.Duration
	// Timeout bounds each request, from when it was due.
	Timeout time.Duration
}

// Report accounts for a load.
type Report struct {
	socket.Result
	Requests int            // how many were due
	Outcomes map[string]int // how many requests had each: a status, or what failed
	Begun    int            // connections
	Peak     int            // connections that stood at once, at most
	Ended    map[string]int // how many connections ended in each way (webclient.Tally)
	Bytes    int            // of answers' bodies

	// Latency is of requests that were answered, from when each was due to the
	// end of its answer. Connect is of the TCP handshakes, Handshake of TLS alone.
	Latency, Connect, Handshake Histogram
	// Late is how long after its time the latest request was begun, because no
	// connection was free or because this machine fell behind the rate.
	Late time.Duration
}

// runner is a load at work.
type runner struct {
	spec  Spec
	host  *socket.Host
	tally webclient.Tally

	mu  sync.Mutex
	out Report
}

// Run makes the requests and waits for the last answer; it ends with ctx.
func Run(ctx context.Context, h *socket.Host, s Spec) *Report {
	r := &runner{spec: s, host: h}
	r.spec.Target.Tally = &r.tally
	r.out.Outcomes = map[string]int{}
	r.out.Started = time.Now()
	work := make(chan time.Time) // when a request was due; zero is now
	opened := make(chan struct{}, s.Connections)
	begin := make(chan struct{})
	var wg sync.WaitGroup
	for range s.Connections {
		wg.Go(func() { r.client(ctx, opened, begin, work) })
	}
	for range s.Connections {
		<-opened
	}
	close(begin)
	r.pace(ctx, work)
	close(work)
	wg.Wait()
	r.out.Took = time.Since(r.out.Started)
	r.out.Begun, r.out.Peak, r.out.Ended = r.tally.Begun(), r.tally.Peak(), r.tally.Ended()
	r.out.Err = r.out.trouble()
	return &r.out
}

// pace hands out requests as they are due, to the first client that is free.
// One that finds none in time fails in its client's hands: each is free when its
// own request has timed out, which was due before.
func (r *runner) pace(ctx context.Context, work chan<- time.Time) {
	s := &r.spec
	limit := s.Requests
	if limit == 0 {
		limit = MaxRequests
	}
	start := time.Now()
	var over <-chan time.Time // for requests that are due when somebody is free
	if s.Lasts > 0 && s.Rate == 0 {
		t := time.NewTimer(s.Lasts)
		defer t.Stop()
		over = t.C
	}
	for n := range limit {
		var due time.Time
		if s.Rate > 0 {
			due = start.Add(time.Duration(float64(n) / s.Rate * float64(time.Second)))
			if s.Lasts > 0 && due.Sub(start) >= s.Lasts || wait(ctx, time.Until(due)) != nil {
				return
			}
		}
		select {
		case work <- due:
		case <-over:
			return
		case <-ctx.Done():
			return
		}
		if s.Rate > 0 {
			r.note(func(o *Report) { o.Late = max(o.Late, time.Since(due)) })
		}
	}
}

// client makes one request after the other.
func (r *runner) client(ctx context.Context, opened chan<- struct{}, begin <-chan struct{}, work <-chan time.Time) {
	s := &r.spec
	var kept *webclient.Session
	if s.KeepAlive {
		kept = r.session()
		defer r.close(kept)
		if kept != nil {
			octx, cancel := context.WithTimeout(ctx, s.Timeout)
			r.timed(kept.Open(octx))
			cancel()
		}
	}
	opened <- struct{}{}
	<-begin
	for due := range work {
		if due.IsZero() {
			due = time.Now()
		}
		session := kept
		if !s.KeepAlive {
			session = r.session()
		}
		r.ask(ctx, session, due)
		if !s.KeepAlive {
			r.close(session)
		}
	}
}

// session is nil if the host is closed, with the whole case.
func (r *runner) session() *webclient.Session {
	s, err := webclient.NewSession(r.host, r.spec.Target)
	if err != nil {
		return nil
	}
	return s
}

func (r *runner) close(s *webclient.Session) {
	if s != nil {
		_ = s.Close() // it has nothing to say
	}
}

// ask makes one request.
func (r *runner) ask(ctx context.Context, s *webclient.Session, due time.Time) {
	if s == nil {
		r.note(func(o *Report) { o.Requests++; o.Outcomes["host closed"]++ })
		return
	}
	ctx, cancel := context.WithDeadline(ctx, due.Add(r.spec.Timeout))
	defer cancel()
	got := s.Do(ctx, r.spec.Request)
	took := time.Since(due)
	if !got.Reused {
		r.timed(got)
	}
	r.note(func(o *Report) {
		o.Requests++
		o.Bytes += len(got.Body)
		if got.Err != "" {
			o.Outcomes[got.Err]++
			return
		}
		o.Outcomes[fmt.Sprint(got.Status)]++
		o.Latency.add(took)
	})
}

// timed notes how long a connection took.
func (r *runner) timed(got *webclient.Response) {
	r.note(func(o *Report) {
		if got.Connected > 0 {
			o.Connect.add(got.Connected - got.Resolved)
		}
		if got.Handshaken > 0 {
			o.Handshake.add(got.Handshaken - got.Connected)
		}
	})
}

func (r *runner) note(f func(*Report)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f(&r.out)
}

// trouble says how many requests were not answered, empty if all were.
func (o *Report) trouble() string {
	var bad []string
	failed := 0
	for _, what := range slices.Sorted(maps.Keys(o.Outcomes)) {
		if !answered(what) {
			bad = append(bad, fmt.Sprintf("%d %s", o.Outcomes[what], what))
			failed += o.Outcomes[what]
		}
	}
	if failed == 0 {
		return ""
	}
	return fmt.Sprintf("%d of %d requests failed: %s", failed, o.Requests, strings.Join(bad, ", "))
}

// answered reports whether an outcome is an HTTP status.
func answered(outcome string) bool { return outcome[0] >= '1' && outcome[0] <= '9' }

// wait lets time pass until ctx ends.
func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
