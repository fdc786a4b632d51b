package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/corpus"
)

// TestCorpus diagnoses every capture below the folder NETREPRO_CORPUS, from each point.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("NETREPRO_CORPUS")
	if dir == "" {
		t.Skip("NETREPRO_CORPUS names no folder of captures")
	}
	err := filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(p) != ".pcapng" {
			return err
		}
		views, err := corpus.Views(context.Background(), p, t.TempDir())
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, filepath.Dir(p))
		for _, v := range append([]corpus.View{{Name: "whole", Path: p}}, views...) {
			r, err := diagnose.Files(context.Background(), []string{v.Path})
			if err != nil {
				return err
			}
			var said []string
			for _, f := range r.Findings {
				said = append(said, fmt.Sprintf("%s:%.2f", f.ID, f.Confidence()))
			}
			t.Logf("%-48s %-9s %s", name, v.Name, strings.Join(said, " "))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
