//go:build linux

package suite

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"netrepro/engine/report"
	"netrepro/engine/runner/selection"
	"netrepro/engine/sanitize"
)

func listCommand(e Console) *cobra.Command {
	var asJSON, asMarkdown bool
	var sel selected
	c := &cobra.Command{
		Use:   "list [PATH…]",
		Short: "List scenarios and their cases, without privilege",
		Long:  "List scenarios and their cases, without privilege.\n\n" + pathHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := sel.load(cmd, e, args)
			if err != nil {
				return err
			}
			if asMarkdown && asJSON {
				return errors.New("--json and --markdown are two ways to write it: take one")
			}
			if asMarkdown {
				report.Library(e.Out, cases.Files, nil)
				return nil
			}
			return list(e, cases, asJSON)
		},
	}
	sel.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a case")
	c.Flags().BoolVar(&asMarkdown, "markdown", false, "tables of symptoms, scenarios and cures")
	return c
}

func list(e Console, cases *selection.Cases, asJSON bool) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	for _, f := range cases.Files {
		for _, s := range f.Scenarios {
			named := asJSON
			for _, c := range s.Cases() {
				if !cases.Wants(f, c) {
					continue
				}
				if !named {
					fmt.Fprintf(e.Out, "%s  (%s)  %s\n", sanitize.Text(s.Name), f.Name, sanitize.Text(strings.Join(s.Tags, " ")))
					named = true
				}
				if !asJSON {
					fmt.Fprintf(e.Out, "    %s\n", sanitize.Text(c.ID()))
					continue
				}
				if err := enc.Encode(map[string]any{"case": c.ID(), "scenario": s.Name, "variant": c.Variant.Name,
					"file": f.Name,
					"line": s.Line, "tags": s.Tags, "needs": s.Needs, "timeout": s.Timeout.Seconds(),
					"reproduces": c.Reproduces(),
					"about":      s.About, "symptom": s.Manual.Symptom, "is_not": s.Manual.IsNot,
					"recognise": s.Manual.Recognise, "kernels": s.Manual.Kernels,
					"cure": s.Manual.Cure, "sources": s.Manual.Sources, "shows": s.Manual.Shows}); err != nil {
					return err
				}
				if _, err := e.Out.Write(sanitize.JSON(line.Bytes())); err != nil {
					return err
				}
				line.Reset()
			}
		}
	}
	return nil
}
