//go:build linux

package relay

import (
	"errors"
	"fmt"
	"sync"

	"netrepro/engine/lab/relay/ring"
	"netrepro/engine/lab/stall"
	"netrepro/engine/lab/wire"
	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/trace"
)

// Relay carries the frames of all wires of one lab.
type Relay struct {
	mu     sync.Mutex // held for each pass
	ledger *ledger.Ledger
	pipe   *wire.Pipeline
	ring   *ring.Ring
	out    *ring.Batch
	sleep  sleeper
	stop   bool
	done   chan struct{}
}

// Config is what [Start] needs.
type Config struct {
	Socket *ring.Ring // the relay's from then on, also if Start fails
	Wires  []wire.Spec
	Trace  *trace.Trace
	Stalls *stall.Monitor
	Seed   uint64 // of what is drawn by chance
}

// Start begins to carry frames between the ends of every wire, whose devices
// are in the namespace that the socket was opened in.
func Start(c Config) (_ *Relay, err error) {
	r := &Relay{ring: c.Socket, out: ring.NewBatch(c.Socket), ledger: ledger.New(c.Trace, c.Stalls),
		done: make(chan struct{})}
	r.pipe = wire.NewPipeline(r, r.ledger, r.out, c.Seed)
	defer func() {
		if err != nil {
			r.free()
		}
	}()
	if r.sleep, err = newSleeper(); err != nil {
		return nil, err
	}
	for _, s := range c.Wires {
		r.pipe.Add(s)
		for _, e := range s.Ends {
			r.ring.Queue(e.Devices()...)
		}
	}
	if err := r.ring.Listen(); err != nil {
		return nil, err
	}
	if err := r.sleep.watch(r.ring.FD()); err != nil {
		return nil, err
	}
	go r.run()
	return r, nil
}

// Wire returns the wire of that name, nil if there is none.
func (r *Relay) Wire(name string) *wire.Wire { return r.pipe.Wire(name) }

// Locked runs f while no frame is being handled. f must be short and must not
// wait for a frame.
func (r *Relay) Locked(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// Lost is how many frames were lost that no fault dropped, and why the last
// one was. A trace with losses proves nothing.
func (r *Relay) Lost() (n uint64, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.countDrops()
	return r.ledger.Lost()
}

func (r *Relay) countDrops() {
	if r.ring == nil {
		return
	}
	if n := r.ring.Dropped(); n > 0 {
		r.ledger.Lose(n, errors.New("the engine was too slow for what the nodes sent"))
	}
}

// Stop ends the carrying of frames; those still on their way are gone. Stopping
// twice is harmless.
func (r *Relay) Stop() error {
	err := r.askToStop()
	if err == nil {
		<-r.done
	}
	return err
}

// Close stops the relay and frees its sockets, which takes the kernel three
// RCU grace periods.
func (r *Relay) Close() error {
	err := r.Stop()
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		r.free()
	}
	return err
}

// askToStop wakes the relay to stop. It holds the lock throughout: the relay
// closes the descriptor it is woken by.
func (r *Relay) askToStop() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stop {
		return nil
	}
	r.stop = true
	if err := r.sleep.interrupt(); err != nil {
		return fmt.Errorf("stop relay: %w", err)
	}
	return nil
}

func (r *Relay) free() {
	r.ring.Close()
	r.ring = nil
	r.sleep.close()
}
