// Package formats writes reports of a run in the forms that CI systems read. All are made
// of its record, and say the same.
//
// It decides nothing: what a case was is in the record.
//
// Invariant: what a script or a program wrote changes nothing but text: it ends no
// element, line or command of a report.
package formats

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/report/stream"
	"netrepro/engine/sanitize"
)

// format writes a run.
type format func(w io.Writer, r *stream.Run) error

var known = map[string]format{
	"junit": junit, "json": document, "tap": tap, "github": github, "gitlab": gitlab, "markdown": markdown,
}

// Names are the formats that there are.
func Names() []string {
	var out []string
	for n := range known {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// Report is a report to be written.
type Report struct {
	Format string
	Path   string // "-" is standard output
}

// Parse reads "junit=FILE,json=FILE". Without a file, a report goes to standard output.
func Parse(text string) ([]Report, error) {
	var out []Report
	for part := range strings.SplitSeq(text, ",") {
		name, path, given := strings.Cut(part, "=")
		if known[name] == nil {
			return nil, fmt.Errorf("there is no report %q: there are %s", name, strings.Join(Names(), ", "))
		}
		if given && path == "" {
			return nil, fmt.Errorf("report %s: the name of the file is missing", name)
		}
		if !given {
			path = "-"
		}
		out = append(out, Report{name, path})
	}
	return out, nil
}

// Write writes reports of r, each file once it is whole, with the folder that it is in.
// Those that can be written are, whatever becomes of the others.
func Write(ctx context.Context, reports []Report, r *stream.Run, out io.Writer) error {
	var errs []error
	for _, p := range reports {
		if err := p.write(ctx, r, out); err != nil {
			errs = append(errs, fmt.Errorf("write %s report: %w", p.Format, err))
		}
	}
	return errors.Join(errs...)
}

// Ready makes the folders of reports, none of which may be a file that is read, and says
// what stands in the way before a run and not after it.
func Ready(reports []Report, read ...string) error {
	for i, p := range reports {
		if p.Path == "-" {
			continue
		}
		if slices.ContainsFunc(reports[:i], func(q Report) bool { return q.Path == p.Path }) {
			return fmt.Errorf("write %s report: another report goes to %s too: name a file for each", p.Format, p.Path)
		}
		if err := files.Apart(p.Path, read...); err != nil {
			return err
		}
		if err := files.Replaces(p.Path, "report", files.Unknown, files.Page); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(p.Path), 0o777); err != nil {
			return fmt.Errorf("write %s report: %w", p.Format, err)
		}
		if st, err := os.Stat(p.Path); err == nil && st.IsDir() {
			return fmt.Errorf("write %s report: %s is a directory", p.Format, p.Path)
		}
	}
	return nil
}

func (p Report) write(ctx context.Context, r *stream.Run, out io.Writer) error {
	if p.Path == "-" {
		return known[p.Format](out, r)
	}
	if err := Ready([]Report{p}); err != nil {
		return err
	}
	f, err := files.Create(ctx, p.Path, 0o666)
	if err != nil {
		return err
	}
	return f.Close(known[p.Format](f, r))
}

// place is where a case went wrong: the file and line of its first failure, or of the
// scenario.
func place(c *stream.Case) (file string, line int) {
	for _, s := range c.Said {
		if s.Failed() {
			if f, l, ok := at(s.Where); ok {
				return f, l
			}
		}
	}
	if c.Ended.Verdict == stream.Errored {
		first, _, _ := strings.Cut(c.Ended.Why, "\n")
		if f, l, ok := at(first); ok && f == c.File {
			return f, l
		}
	}
	return c.File, max(c.Line, 1)
}

// at reads "file:line", or what begins so.
func at(where string) (file string, line int, ok bool) {
	parts := strings.SplitN(where, ":", 3)
	if len(parts) < 2 {
		return "", 0, false
	}
	line, err := strconv.Atoi(parts[1])
	return parts[0], line, err == nil && line > 0
}

// said is what went wrong in a line.
func said(c *stream.Case) string {
	for _, s := range c.Said {
		if s.Failed() {
			return sanitize.Text(s.Text)
		}
	}
	first, _, _ := strings.Cut(c.Ended.Why, "\n")
	if first == "" {
		first = c.Ended.Word
	}
	return sanitize.Text(first)
}

// details is all that a case said, as people read it.
func details(c *stream.Case) string {
	var b strings.Builder
	for _, s := range c.Said {
		label := ""
		if s.Label != "" {
			label = " (" + sanitize.Text(s.Label) + ")"
		}
		text := strings.ReplaceAll(sanitize.Lines(s.Text), "\n", "\n    ")
		switch {
		case s.Kind == "up":
			continue
		case s.Kind == "step":
			fmt.Fprintf(&b, "%s\n", text)
		case s.Pass == nil:
			fmt.Fprintf(&b, "  %s: %s\n", sanitize.Text(s.Where), text)
		default:
			mark := "✓"
			if s.Failed() {
				mark = "✗"
			}
			fmt.Fprintf(&b, "  %s %s: %s%s\n", mark, sanitize.Text(s.Where), text, label)
		}
		if s.Failed() {
			for _, p := range s.Packets {
				fmt.Fprintf(&b, "      %s\n", sanitize.Text(p))
			}
			if len(s.Callers) > 0 {
				fmt.Fprintf(&b, "      called from %s\n", sanitize.Text(strings.Join(s.Callers, ", from ")))
			}
		}
	}
	if c.Ended.Why != "" {
		fmt.Fprintf(&b, "%s\n", sanitize.Lines(c.Ended.Why))
	}
	if c.Ended.Differs != "" {
		fmt.Fprintf(&b, "differs  %s\n", sanitize.Lines(c.Ended.Differs))
	}
	if c.Ended.Trace != "" && c.Ended.Verdict != stream.Passed {
		fmt.Fprintf(&b, "trace  %s\n", sanitize.Text(c.Ended.Trace))
	}
	return b.String()
}

// bad reports whether a case needs somebody to look at it.
func bad(c *stream.Case) bool {
	return c.Ended.Verdict != stream.Passed && c.Ended.Verdict != stream.Skipped || c.Ended.Flaky()
}
