//go:build linux

// Package examine has the command that tries what this machine can show.
//
// Invariant: it returns an error and never ends the process.
package examine

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/suite"
	"netrepro/engine/runner/doctor"
)

// doctorOptions are the flags of doctor.
type doctorOptions struct{ json, fix, yes, alone bool }

// Command is netrepro doctor.
func Command(e suite.Console) *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Try what this machine can show, and say what mends the rest",
		Long: `Try what this machine can show, and say what mends the rest.

Each thing is tried for real, with the rights at hand; as root, also whether an
ordinary user can run scenarios. --fix does what is safe, after asking: settings of
the kernel and its modules, until the next restart.

Exit codes: 0 scenarios can run, 2 a mistake in a flag, 3 they cannot.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return examine(cmd, e, o) },
	}
	f := c.Flags()
	f.BoolVar(&o.json, "json", false, "one JSON object")
	f.BoolVar(&o.fix, "fix", false, "do what is safe, after asking; as root")
	f.BoolVar(&o.yes, "yes", false, "with --fix: do not ask")
	f.BoolVar(&o.alone, "alone", false, "do not try what an ordinary user can do")
	return c
}

// examined is the JSON object of an examination, version 1.
type examined struct {
	Version  int              `json:"version"`
	User     int              `json:"uid"`
	Works    bool             `json:"works"`
	Findings []doctor.Finding `json:"findings"`
}

func examine(cmd *cobra.Command, e suite.Console, o doctorOptions) error {
	if o.yes && !o.fix {
		return errors.New("--yes answers what --fix asks: say --fix too")
	}
	fs, err := doctor.Examine(cmd.Context())
	if err != nil {
		return err
	}
	if o.fix && fixed(cmd, e, o, fs) {
		if fs, err = doctor.Examine(cmd.Context()); err != nil {
			return err
		}
	}
	if os.Geteuid() == 0 && !o.alone {
		fs = append(fs, ordinary(cmd))
	}
	if o.json {
		enc := json.NewEncoder(e.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		err = enc.Encode(examined{1, os.Geteuid(), doctor.Works(fs), fs})
	} else {
		tell(e, fs)
	}
	if err == nil && !doctor.Works(fs) {
		return &suite.Exit{Code: suite.Cannot}
	}
	return err
}

// tell writes findings for people.
func tell(e suite.Console, fs []doctor.Finding) {
	for _, f := range fs {
		mark := "✓"
		if !f.OK {
			mark = "✗"
			if !f.Needed {
				mark = "-"
			}
		}
		fmt.Fprintf(e.Out, "%s %-14s %s\n", mark, f.Name, f.Shows)
		if f.Why != "" {
			fmt.Fprintf(e.Out, "    why   %s\n", strings.ReplaceAll(f.Why, "\n", "\n          "))
		}
		for _, m := range f.Mend {
			fmt.Fprintf(e.Out, "    mend  %s\n", m)
		}
	}
	if doctor.Works(fs) {
		fmt.Fprintln(e.Out, "scenarios can run here; those that need what has a - are skipped")
	} else {
		fmt.Fprintln(e.Out, "scenarios cannot run here")
	}
}

// fixed does what is safe and wanted, and reports whether anything was done.
func fixed(cmd *cobra.Command, e suite.Console, o doctorOptions, fs []doctor.Finding) (any bool) {
	answers := bufio.NewScanner(e.In)
	for _, f := range fs {
		if f.OK || f.Fix == nil {
			continue
		}
		if os.Geteuid() != 0 {
			fmt.Fprintf(e.Err, "netrepro: %s: as root: %s\n", f.Name, f.Fix)
			continue
		}
		if !o.yes {
			fmt.Fprintf(e.Err, "%s: %s? [y/N] ", f.Name, f.Fix)
			if !answers.Scan() || !strings.HasPrefix(strings.ToLower(strings.TrimSpace(answers.Text())), "y") {
				continue
			}
		}
		if err := f.Fix.Do(cmd.Context()); err != nil {
			fmt.Fprintf(e.Err, "netrepro: %v\n", err)
			continue
		}
		any = true
	}
	return any
}

// nobody is an ordinary user.
const nobody = 65534

// ordinary tries as root whether an ordinary user can run scenarios: this program, as
// nobody.
func ordinary(cmd *cobra.Command) doctor.Finding {
	f := doctor.Finding{Name: "ordinary user", Shows: "scenarios without root"}
	c := exec.CommandContext(cmd.Context(), "/proc/self/exe", "doctor", "--json")
	c.Args[0] = os.Args[0]
	c.Dir = "/"
	c.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TMPDIR=") }) // root's
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	text, err := c.Output()
	var got examined
	if jerr := json.Unmarshal(text, &got); jerr != nil {
		f.Why = fmt.Sprintf("it could not be tried: %v", err)
		return f
	}
	f.OK = got.Works
	for _, g := range got.Findings {
		if g.Needed && !g.OK {
			f.Why, f.Mend = g.Why, g.Mend
		}
	}
	return f
}
