//go:build linux

package runner

import (
	"os"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab/netns"
	"netrepro/engine/runner/worker"
)

// load loads the programs that ask the kernel for its reasons, once for all
// cases; nil where that cannot be done or is not wanted, and resets are then
// judged by the packets.
func load(o Options) *bpf.Probe {
	if o.Inferred || os.Geteuid() != 0 { // a user namespace gives no right to BPF
		return nil
	}
	if !cookies() {
		return nil
	}
	p, err := bpf.Load()
	if err != nil {
		return nil
	}
	return p
}

// cookies reports whether this kernel tells the cookie of a network namespace,
// by which events are told apart (Linux 5.14).
func cookies() bool {
	ns, err := netns.Here("cookies")
	if err != nil {
		return false
	}
	defer ns.Close()
	_, err = ns.Cookie()
	return err == nil
}

// listen gives a job a ring of its own for the kernel's events. release ends
// it, whatever became of the worker.
func listen(p *bpf.Probe, job *worker.Job) (files []*os.File, release func(), err error) {
	if p == nil {
		return nil, func() {}, nil
	}
	r, err := p.NewRing()
	if err != nil {
		return nil, nil, err
	}
	if files, err = r.Files(); err != nil {
		_ = r.Close() // the first error tells more
		return nil, nil, err
	}
	names := r.Names()
	job.Ring, job.RingFiles = &names, len(files)
	return files, func() {
		for _, f := range files {
			_ = f.Close() // only read from
		}
		_, _ = r.Release(), r.Close() // what is left goes with this process
	}, nil
}
