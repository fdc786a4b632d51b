package page

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netrepro/engine/files"
)

// Suite is the page that lists the cases of a run.
type Suite struct {
	Version int     `json:"version"`
	At      string  `json:"at"` // when the run ended
	Cases   []Entry `json:"cases"`
	// History is how each case ended before, by its name, the last one last.
	History map[string][]Past `json:"history"`
}

// Entry is a case of a suite.
type Entry struct {
	Case     string   `json:"case"`
	Scenario string   `json:"scenario"`
	File     string   `json:"file"`
	About    string   `json:"about,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	Verdict  string   `json:"verdict"`
	Word     string   `json:"word"`
	Why      string   `json:"why,omitempty"`
	Took     Second   `json:"took"`
	Packets  int      `json:"packets"`
	Page     string   `json:"page,omitempty"`   // where its own is, from here
	Beside   string   `json:"beside,omitempty"` // where it stands beside the failure that it mends
}

// Past is how a case ended in an earlier run.
type Past struct {
	At      string `json:"at"`
	Verdict string `json:"verdict"`
	Took    Second `json:"took"`
}

// Names of the files in the folder of a suite.
const (
	indexName   = "index.html"
	historyName = "history.json"
)

// mostPast bounds what is remembered of a case, mostHistory the file that it is read from.
const mostPast, mostHistory = 30, 64 << 20

// Save writes the page of s into dir, and adds what happened to the history there.
func (s *Suite) Save(ctx context.Context, dir string) error {
	s.Version, s.At = Version, time.Now().UTC().Format(time.RFC3339)
	s.History = past(filepath.Join(dir, historyName))
	for _, e := range s.Cases {
		h := append(s.History[e.Case], Past{s.At, e.Verdict, e.Took})
		s.History[e.Case] = h[max(len(h)-mostPast, 0):]
	}
	text, err := json.Marshal(s.History)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	err = save(ctx, filepath.Join(dir, historyName), func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return err
	}
	return save(ctx, filepath.Join(dir, indexName), s.Write)
}

// past reads the history; one that cannot be read begins anew.
func past(path string) map[string][]Past {
	out := map[string][]Past{}
	f, err := os.Open(path)
	if err != nil {
		return out
	}
	defer f.Close()
	if err := json.NewDecoder(io.LimitReader(f, mostHistory)).Decode(&out); err != nil || out == nil {
		return map[string][]Past{}
	}
	return out
}

// Write writes the page of s.
func (s *Suite) Write(w io.Writer) error {
	var b strings.Builder
	for _, name := range []string{"dom.js", "suite.js"} {
		b.WriteString(asset(name))
	}
	return write(w, "Suite", "json", func(w io.Writer) error {
		text, err := json.Marshal(s)
		if err != nil {
			return fmt.Errorf("write data of the page: %w", err)
		}
		_, err = w.Write(text) // escaped by package json
		return err
	}, "suite.html", b.String(), asset("page.css"))
}

// save writes a file that is there only once it is whole.
func save(ctx context.Context, path string, write func(io.Writer) error) error {
	o, err := files.Create(ctx, path, files.Secret)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	w := bufio.NewWriterSize(o, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err = o.Close(err); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
