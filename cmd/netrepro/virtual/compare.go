//go:build linux

package virtual

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"

	"netrepro/engine/runner"
	"netrepro/engine/runner/guest"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/virtual/kernels"
)

// Compare runs tasks with each kernel, the oldest first, each in a folder of its own; with
// --bisect only with those that are needed to find the first that differs.
func (v *Flags) Compare(ctx context.Context, tasks []*task.Task, o runner.Options, to task.Sink, out, say io.Writer) (
	*sink.Matrix, error,
) {
	ms, err := v.machines(ctx)
	if err != nil {
		return nil, err
	}
	compared := &sink.Matrix{}
	all := o.Out
	o.Form = true
	run := func(i int) error {
		m := ms[i]
		o.Out = filepath.Join(all, m.Kernel.Name)
		fmt.Fprintf(out, "Linux %s\n", m.Kernel.Name)
		there, err := moved(tasks, all, o.Out)
		if err != nil {
			return err
		}
		return v.on(ctx, m, there, o, compared.On(m.Kernel.Name, to), say)
	}
	differ := func(i, j int) bool { return compared.Differ(ms[i].Kernel.Name, ms[j].Kernel.Name) }
	if v.bisect {
		err = bisect(len(ms), run, differ)
	} else {
		for i := range ms {
			if err = run(i); err != nil {
				break
			}
		}
	}
	if err != nil {
		return nil, err
	}
	compared.Sort(kernels.Compare)
	return compared, nil
}

// machines are those with the kernels to compare, the oldest first.
func (v *Flags) machines(ctx context.Context) ([]guest.Machine, error) {
	var ms []guest.Machine
	for _, k := range v.kernels {
		m, err := v.machine(ctx, k)
		if err != nil {
			return nil, err
		}
		for _, other := range ms {
			if other.Kernel.Name == m.Kernel.Name {
				return nil, fmt.Errorf("--kernel %s: this kernel, %s, was named before", k, m.Kernel.Name)
			}
		}
		ms = append(ms, m)
	}
	slices.SortFunc(ms, func(a, b guest.Machine) int { return kernels.Compare(a.Kernel.Name, b.Kernel.Name) })
	return ms, nil
}

// moved are tasks with their folders below another directory.
func moved(tasks []*task.Task, from, to string) ([]*task.Task, error) {
	out := make([]*task.Task, len(tasks))
	at := map[*task.Task]*task.Task{}
	for i, t := range tasks {
		there := *t
		rel, err := filepath.Rel(from, t.Dir)
		if err != nil {
			return nil, err
		}
		there.Dir = filepath.Join(to, rel)
		out[i], at[t] = &there, &there
	}
	for _, t := range out {
		t.Of = slices.Clone(t.Of)
		for i, of := range t.Of {
			if at[of] != nil {
				t.Of[i] = at[of]
			}
		}
	}
	return out, nil
}

// bisect runs the first and the last of n, and of those between the ones that are needed to
// find between which two neighbours something changes. Where two do not differ, nothing is
// looked for between them.
func bisect(n int, run func(int) error, differ func(i, j int) bool) error {
	for _, i := range []int{0, n - 1} {
		if err := run(i); err != nil {
			return err
		}
	}
	var between func(i, j int) error
	between = func(i, j int) error {
		if j-i < 2 || !differ(i, j) {
			return nil
		}
		middle := (i + j) / 2
		if err := run(middle); err != nil {
			return err
		}
		if err := between(i, middle); err != nil {
			return err
		}
		return between(middle, j)
	}
	return between(0, n-1)
}
