//go:build linux

package bpf

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"github.com/cilium/ebpf/link"
	"github.com/cilium/ebpf/rlimit"
)

//go:embed probe.bpf.o
var object []byte

// ringSize is how many bytes of events wait to be read in one case; about 2000
// events.
const ringSize = 1 << 20

// Probe is the loaded programs.
type Probe struct {
	rings, lost *ebpf.Map
	changes     *ebpf.Map
	programs    []*ebpf.Program // that are attached
	links       []link.Link
	names       Names
	symbols     *publication // for those who read the rings
	// Missing says what this kernel does not tell: a program's name and why it
	// could not be used.
	Missing map[string]error
}

// kinds are the kinds of event by the programs that report them. set_state
// reports none: without it a socket's state before is not known.
var kinds = map[string]Kind{"send_reset": SendReset, "receive_reset": ReceiveReset, "retransmit": Retransmit,
	"drop": Drop}

// errUnsupported says that this machine cannot be asked.
var errUnsupported = errors.New("the kernel's own reasons cannot be read")

// Load loads the programs and hangs them on their tracepoints. Programs that
// this kernel does not take are in Missing, and the kinds of event that they
// report are mute ([Names.Mute]): Linux before 6.10 gives no reason for a reset,
// and reports none of those that no socket sent. Without a single program Load
// fails with [errUnsupported].
func Load() (*Probe, error) { return load(nil) }

// load is Load without some of the programs, as on a kernel that does not take
// them.
func load(without []string) (*Probe, error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("read programs: %w", err)
	}
	if err := rlimit.RemoveMemlock(); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: raise limit of locked memory: %w", errUnsupported, err)
	}
	programs := spec.Programs
	spec.Programs = nil
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("%w: make maps: %w", errUnsupported, err)
	}
	p := &Probe{rings: c.Maps["rings"], lost: c.Maps["lost"], changes: c.Maps["changes"], Missing: map[string]error{}}
	types, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: read the kernel's types: %w", errUnsupported, err), p.Close())
	}
	p.names = namesOf(types)
	// All at once, for each load reads the kernel's types again; one by one
	// where the kernel does not take them all.
	for _, name := range without {
		delete(programs, name)
		p.Missing[name] = errors.New("left out")
	}
	all := slices.Sorted(maps.Keys(programs))
	if p.attach(spec, programs, types, all...) != nil {
		for _, name := range all {
			if err := p.attach(spec, programs, types, name); err != nil {
				p.Missing[name] = err
			}
		}
	}
	if len(p.links) == 0 {
		return nil, errors.Join(fmt.Errorf("%w: %w", errUnsupported, p.Missing[all[0]]), p.Close())
	}
	p.names.Mute = map[Kind]string{}
	for name, err := range p.Missing {
		if k := kinds[name]; k != 0 {
			// A verifier's error is a page; its first line says what it is.
			p.names.Mute[k], _, _ = strings.Cut(err.Error(), "\n")
		}
	}
	if p.symbols, err = publish(readSymbols); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// attach loads the programs of these names and hangs them on their tracepoints;
// if one fails, none is.
func (p *Probe) attach(spec *ebpf.CollectionSpec, programs map[string]*ebpf.ProgramSpec, types *btf.Spec,
	names ...string) error {
	some := spec.Copy()
	some.Programs = map[string]*ebpf.ProgramSpec{}
	for _, name := range names {
		some.Programs[name] = programs[name]
	}
	c, err := ebpf.NewCollectionWithOptions(some, ebpf.CollectionOptions{
		Programs:        ebpf.ProgramOptions{KernelTypes: types},
		MapReplacements: map[string]*ebpf.Map{"rings": p.rings, "lost": p.lost, "changes": p.changes}})
	if err != nil {
		return fmt.Errorf("load %s: %w", strings.Join(names, ", "), err)
	}
	defer c.Close()
	var links []link.Link
	var hung []*ebpf.Program
	for _, name := range names {
		l, err := link.AttachTracing(link.TracingOptions{Program: c.Programs[name]})
		if err != nil {
			for i, l := range links {
				_, _ = l.Close(), hung[i].Close() // it was not to be
			}
			return fmt.Errorf("attach %s: %w", name, err)
		}
		links, hung = append(links, l), append(hung, c.DetachProgram(name))
	}
	p.links, p.programs = append(p.links, links...), append(p.programs, hung...)
	return nil
}

// Close takes the programs off the kernel.
func (p *Probe) Close() error {
	var errs []error
	for _, l := range p.links {
		errs = append(errs, l.Close())
	}
	if p.symbols != nil {
		errs = append(errs, p.symbols.Close())
	}
	for _, g := range p.programs {
		errs = append(errs, g.Close())
	}
	for _, m := range []*ebpf.Map{p.rings, p.lost, p.changes} {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}
