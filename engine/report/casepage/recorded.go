//go:build linux

package casepage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/report/page"
	"netrepro/engine/report/stream"
	"netrepro/scenarios"
)

// Recorded writes the pages of a run that was recorded into dir. Of a case whose trace is
// gone, or whose script is no longer what ran, the page has what there is.
func Recorded(ctx context.Context, run *stream.Run, dir string) error {
	if err := os.MkdirAll(dir, files.SecretDir); err != nil {
		return err
	}
	var list page.Suite
	var errs []error
	for _, c := range run.Cases {
		e := c.Ended
		entry := page.Entry{Case: c.Name, Scenario: c.Scenario, File: c.File, Tags: c.Tags, Verdict: e.Verdict, Word: e.Word,
			Why: e.Why, Took: page.Second(e.Seconds), Packets: e.Packets, Page: pageName(c.Name)}
		path := filepath.Join(dir, filepath.FromSlash(entry.Page))
		err := os.MkdirAll(filepath.Dir(path), files.SecretDir)
		if err == nil {
			err = page.Save(ctx, path, recorded(ctx, run, c))
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("page of %s: %w", c.Name, err))
			entry.Page = ""
		}
		list.Cases = append(list.Cases, entry)
	}
	return errors.Join(append(errs, list.Save(ctx, dir))...)
}

// pageName is where the page of a case is, from that which lists all. Nothing that a record
// says leads out of the folder.
func pageName(name string) string {
	var parts []string
	for _, part := range strings.Split(name, "/") {
		part = strings.Map(func(r rune) rune {
			if r < ' ' || strings.ContainsRune(`\:*?"<>|#%`, r) {
				return '_'
			}
			return r
		}, part)
		if strings.Trim(part, ".") == "" {
			part = "_"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/") + ".html"
}

// recorded is the page of a case.
func recorded(ctx context.Context, run *stream.Run, c *stream.Case) *page.Document {
	d := page.New(page.KindCase, c.Name)
	d.Verdict, d.Word, d.Why, d.Took = c.Ended.Verdict, c.Ended.Word, c.Ended.Why, page.Second(c.Ended.Seconds)
	d.Again = []string{c.Command()}
	m := run.Machine
	d.Environment = []page.Fact{{Name: "netrepro", Text: m.Program}, {Name: "kernel", Text: m.Kernel + " " + m.Arch},
		{Name: "processors", Text: strconv.Itoa(m.Processors)}}
	if text, ok := ranScript(c); ok {
		d.Script = &page.Script{Name: c.File, Text: text, Line: c.Line}
	} else if c.File != "" {
		d.Remarks = append(d.Remarks, "the script is not shown: "+c.File+" is not what it was when it ran")
	}
	var zero time.Duration // of the packets, on the clock of what was said
	if c.Ended.Trace != "" {
		x, remarks, err := page.Read(ctx, c.Ended.Trace)
		if err != nil {
			d.Remarks = append(d.Remarks, err.Error())
		} else {
			d.Captures, d.Remarks = []page.Capture{x}, append(d.Remarks, remarks...)
			zero = began(c, x.Began())
		}
	}
	for _, s := range c.Said {
		if s.Kind == "up" {
			continue
		}
		e := page.Event{Kind: s.Kind, At: page.Second(s.Into - zero.Seconds()), Text: s.Text, Label: s.Label, Where: s.Where,
			Pass: s.Pass != nil && *s.Pass, Ladder: s.Packets, Frames: s.Frames}
		if line, ours := strings.CutPrefix(s.Where, c.File+":"); ours {
			e.Line, _ = strconv.Atoi(line) // 0 if it is none
		}
		d.Events = append(d.Events, e)
	}
	return d
}

// began is when the first packet was seen, since the case began; 0 if that was not recorded.
func began(c *stream.Case, first int64) time.Duration {
	for _, s := range c.Said {
		if at, err := time.Parse(time.RFC3339Nano, s.Began); s.Kind == "up" && err == nil {
			return time.Duration(first - at.UnixNano())
		}
	}
	return 0
}

// mostScript bounds what is read of a script.
const mostScript = 1 << 20

// ranScript is the script that a case ran, if it is still there: a file, or one that is
// shipped.
func ranScript(c *stream.Case) (string, bool) {
	for _, read := range []func(string) ([]byte, error){
		func(name string) ([]byte, error) {
			if st, err := os.Stat(name); err != nil || !st.Mode().IsRegular() || st.Size() > mostScript {
				return nil, fs.ErrNotExist
			}
			return os.ReadFile(name)
		},
		func(name string) ([]byte, error) {
			return fs.ReadFile(scenarios.Files, strings.TrimPrefix(filepath.ToSlash(name), "scenarios/"))
		},
	} {
		if text, err := read(c.File); err == nil && stream.Source(string(text)) == c.Source {
			return string(text), true
		}
	}
	return "", false
}
