//go:build linux

package process

import (
	"context"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/kernel"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// ready is when a program is ready: one of them.
type ready struct {
	tcp, udp *int
	line     *string
}

func (r *ready) String() string {
	switch {
	case r.line != nil:
		return fmt.Sprintf("did not write %q", *r.line)
	case r.udp != nil:
		return fmt.Sprintf("did not open UDP port %d", *r.udp)
	}
	return fmt.Sprintf("did not listen on port %d", *r.tcp)
}

var readyTable = vm.NewTable("ready", "", func(r *ready) []vm.Argument {
	return []vm.Argument{
		args.Port.Maybe(&r.tcp, "port", "it listens on this TCP port"),
		args.Port.Maybe(&r.udp, "udp", "it has this UDP port open"),
		args.String.Maybe(&r.line, "line", "it has written this, to either output"),
	}
})

var kReady = vm.NewKind("sign of being ready", "Ready", func(c *vm.Call, x lua.LValue) (ready, error) {
	const hint = `write { port = 80 } or { line = "listening" }`
	t, ok := x.(*lua.LTable)
	if !ok {
		return ready{}, args.Wrong(x, "a sign of being ready", hint)
	}
	r := readyTable.Read(c, t)
	given := 0
	for _, is := range []bool{r.tcp != nil, r.udp != nil, r.line != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return r, args.Wrong(x, "one sign of being ready", hint)
	}
	return r, nil
}).Of(readyTable.Form())

// The kernel is asked again and again whether a port is open: nothing tells of it
// without privilege. The pauses double from soon to seldom, so that the asking does not
// take the processor from the program that is waited for.
const (
	soon   = time.Millisecond
	seldom = 20 * time.Millisecond
)

// wait waits until p is ready.
func (r *ready) wait(ctx context.Context, p *proc) error {
	if r.line != nil {
		return p.WaitLine(ctx, *r.line)
	}
	proto, port := "tcp", r.tcp
	if r.udp != nil {
		proto, port = "udp", r.udp
	}
	ports, err := kernel.NewPorts(p.node.NS)
	if err != nil {
		return err
	}
	defer ports.Close()
	for pause := soon; ; pause = min(2*pause, seldom) {
		open, err := ports.Open(proto, *port)
		if open || err != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			if e, ok := p.Exited(); ok {
				return fmt.Errorf("it has ended: %s", e)
			}
			return ctx.Err()
		}
		if e, ok := p.Exited(); ok && e.Code != 0 { // what ends well may have forked
			return fmt.Errorf("it has ended: %s", e)
		}
	}
}

// said is the end of what a program wrote, for a message.
func said(p *proc) string {
	text := strings.TrimSpace(p.Errors())
	if text == "" {
		text = strings.TrimSpace(p.Output())
	}
	if text == "" {
		return "; it wrote nothing"
	}
	lines := strings.Split(text, "\n")
	return "; it wrote: " + strings.Join(lines[max(len(lines)-3, 0):], " / ")
}
