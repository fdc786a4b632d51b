//go:build linux

// Package guest runs cases in a virtual machine, whose process 1 is this program: one
// side of it starts the machine and passes on what it says, the other is that process and
// runs the cases as on any machine.
//
// Invariant: every task ends once, in order, whatever becomes of the machine.
package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// Job is what a machine is to do.
type Job struct {
	Dir     string            `json:"dir"` // names of files are seen from here
	Files   []File            `json:"files"`
	Sources []discover.Source `json:"sources"`
	Names   []string          `json:"names"` // of the tasks to run, in order
	Proofs  bool              `json:"proofs,omitempty"`
	Variant string            `json:"variant,omitempty"`
	Repeat  int               `json:"repeat"`
	Seed    uint64            `json:"seed"`
	Lualib  string            `json:"lualib,omitempty"`
	Retries int               `json:"retries"`
	Retry   int               `json:"retry,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`

	Inferred bool `json:"inferred,omitempty"`
	Update   bool `json:"update,omitempty"`
	Form     bool `json:"form,omitempty"`
	Shake    bool `json:"shake,omitempty"`
	Check    bool `json:"check,omitempty"`
	Virtual  bool `json:"virtual,omitempty"`

	Break string `json:"break,omitempty"` // one of [Breaks]
}

// File is one that a case may read.
type File struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Out is the directory for artifacts in the machine.
const outDir = "/out"

// options are those of the run in the machine.
func (j *Job) options() runner.Options {
	return runner.Options{
		Options:   script.Options{Lualib: j.Lualib, Seed: j.Seed},
		Selection: task.Selection{Repeat: j.Repeat, Variant: j.Variant, Out: outDir},
		Parallel:  1, Retries: j.Retries, Retry: j.Retry, Timeout: j.Timeout,
		Inferred: j.Inferred, Update: j.Update, Form: j.Form, Shake: j.Shake,
		Check: j.Check, Virtual: j.Virtual,
	}
}

// newJob is the job of running tasks, all of which are of one list.
func newJob(tasks []*task.Task, o runner.Options, virtual bool) (*Job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	j := &Job{Dir: dir, Variant: o.Variant, Repeat: o.Repeat, Seed: o.Seed, Lualib: o.Lualib, Retries: o.Retries,
		Retry: o.Retry, Timeout: o.Timeout,
		Inferred: o.Inferred, Update: o.Update, Form: o.Form, Shake: o.Shake, Check: o.Check, Virtual: virtual}
	seen := map[string]bool{}
	dirs := []string{}
	for _, t := range tasks {
		j.Names = append(j.Names, t.Name())
		j.Proofs = j.Proofs || t.Proof()
		if !seen[t.File.Name] {
			seen[t.File.Name] = true
			j.Sources = append(j.Sources, discover.Source{Name: t.File.Name, Text: t.File.Text})
			dirs = append(dirs, filepath.Dir(t.File.Name))
		}
	}
	if o.Lualib != "" {
		dirs = append(dirs, o.Lualib)
	}
	return j, j.gather(dirs)
}

// Bounds of what is carried into a machine.
const (
	mostCarried  = 64 << 20
	mostEntries  = 10000
	deepestBelow = 2
)

// gather takes the files of folders that scripts may read: modules of Lua and golden
// traces, and those of folders below them.
func (j *Job) gather(dirs []string) error {
	seen, size, entries := map[string]bool{}, 0, 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			entries++
			switch {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
				return nil // of the built-in library, or nobody's to read
			case err != nil:
				return err
			case entries > mostEntries:
				return fmt.Errorf("%s holds more than %d files: put scenarios into a folder of their own", dir, mostEntries)
			case d.IsDir():
				rel, err := filepath.Rel(dir, p)
				if err != nil || rel != "." && (strings.HasPrefix(d.Name(), ".") ||
					strings.Count(rel, string(filepath.Separator)) >= deepestBelow) {
					return fs.SkipDir
				}
				return nil
			}
			ext := filepath.Ext(p)
			if seen[p] || !d.Type().IsRegular() || ext != ".lua" && ext != discover.GoldenExt {
				return nil
			}
			seen[p] = true
			b, err := files.ReadRegular(p, discover.MaxSource)
			if err != nil {
				return err
			}
			if size += len(b); size > mostCarried {
				return fmt.Errorf("%s holds more than %d MB of scripts: put scenarios into a folder of their own",
					dir, mostCarried>>20)
			}
			j.Files = append(j.Files, File{Path: p, Data: b})
			return nil
		})
		if err != nil {
			return fmt.Errorf("carry files into the virtual machine: %w", err)
		}
	}
	return nil
}

// Kinds of what a machine says.
const (
	saysUp    = 'u' // it is up, and begins
	saysBegin = 'b'
	saysEvent = 'e'
	saysFile  = 'f'
	saysEnd   = 'r' // of a task, with its result
	saysText  = 's' // for people
	saysOver  = 'o' // all is done
)

// message is what a record holds, as JSON; of a file, its data follows a line feed.
type message struct {
	Task   int             `json:"task"`
	Event  *session.Event  `json:"event,omitempty"`
	Result *session.Result `json:"result,omitempty"`
	Text   string          `json:"text,omitempty"`
	Cannot bool            `json:"cannot,omitempty"`
	Uptime float64         `json:"uptime,omitempty"` // of the machine, in seconds
}

// encode is a message as bytes; it cannot fail, for all it holds is plain.
func (m message) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		b, _ = json.Marshal(message{Task: m.Task, Text: err.Error()})
	}
	return b
}
