//go:build linux

// Package machine changes settings of the whole machine while a case runs, and
// gives them back. Cases that change none run beside each other; one that does
// runs alone, apart from those of other runs too.
//
// Invariant: whatever is killed, and in whatever order, each setting is again what
// it was.
package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"netrepro/engine/script/session"
)

// Run runs f, alone and with the settings changed if there are any. It tells say,
// if that is not nil, what it waits for. The result is skipped where the machine's
// settings cannot be changed.
func Run(ctx context.Context, settings map[string]string, say func(string), f func() (session.Result, error)) (
	session.Result, error,
) {
	locks, free, err := share(ctx, len(settings) > 0, say)
	if err != nil {
		return session.Result{}, err
	}
	defer free()
	if len(settings) == 0 {
		return f()
	}
	restore, err := change(settings, locks)
	if errors.Is(err, errNotMine) {
		return session.Result{Verdict: session.Skipped, Why: err.Error()}, nil
	}
	if err != nil {
		return session.Result{}, err
	}
	res, err := f()
	return res, errors.Join(err, restore())
}

// errNotMine says that the machine's settings cannot be changed from here.
var errNotMine = errors.New("the machine's own settings need root in its first network namespace")

func sysctlPath(name string) string {
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}

// setting is one of the whole machine, and what it was before.
type setting struct{ Name, Before string }

// change changes settings of the whole machine, and returns what gives them
// back. Another process, which holds locks too, does so if this one is killed;
// this one does if that is.
func change(settings map[string]string, locks []*os.File) (restore func() error, err error) {
	var before []setting
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		old, err := os.ReadFile(sysctlPath(name))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotMine, err)
		}
		before = append(before, setting{name, strings.TrimSpace(string(old))})
	}
	k, err := keep(before, locks)
	if err != nil {
		return nil, err
	}
	for _, s := range before {
		if err := os.WriteFile(sysctlPath(s.Name), []byte(settings[s.Name]), 0); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errNotMine, err), unlessRefused(k.restore()))
		}
	}
	return k.restore, nil
}

// unlessRefused is err without what could not be restored because it may not be written: it
// could not be changed either.
func unlessRefused(err error) error {
	all := []error{err}
	if joined, several := err.(interface{ Unwrap() []error }); several {
		all = joined.Unwrap()
	}
	return errors.Join(slices.DeleteFunc(all, func(e error) bool { return e == nil || errors.Is(e, fs.ErrPermission) })...)
}
