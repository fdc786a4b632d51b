package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"netrepro/engine/script/diag"
	"netrepro/engine/script/reference"
	"netrepro/engine/script/reference/stubs"
)

func docCommand(e env) *cobra.Command {
	var annotations, page bool
	c := &cobra.Command{
		Use:   "doc [NAME]",
		Short: "Show what a scenario can say: a verb, a room, a type or an option",
		Long: `Show what a scenario can say.

Without a name: all verbs, by room. With one: a verb (wire:drop, or drop where one
thing is called so), a room (faults), a type (Conn), a member of one (fault.hits)
or an option (nth). --stubs writes the whole language for the Lua language server.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			l, err := reference.Read()
			if err != nil {
				return err
			}
			switch {
			case annotations && page:
				return errors.New("--stubs and --markdown are two ways to write it: take one")
			case annotations:
				_, err = e.out.Write(stubs.Of(l))
			case page:
				_, err = e.out.Write(reference.Page(l))
			case len(args) == 0:
				_, err = fmt.Fprint(e.out, l.Overview())
			default:
				return look(e, l, args[0])
			}
			return err
		},
	}
	c.Flags().BoolVar(&annotations, "stubs", false, "write stubs for the Lua language server")
	c.Flags().BoolVar(&page, "markdown", false, "write the whole reference as one page")
	return c
}

// look shows the page of a name, or the names that may be meant.
func look(e env, l *reference.Language, name string) error {
	names, text := l.Find(name)
	switch {
	case text != "":
		_, err := fmt.Fprint(e.out, text)
		return err
	case len(names) > 0:
		return fmt.Errorf("doc: several things are called %q\n  hint: say which: %s", name, strings.Join(names, ", "))
	}
	hint := diag.DidYouMean(name, l.Names())
	if hint == "" {
		hint = "netrepro doc lists what there is"
	}
	return fmt.Errorf("doc: nothing is called %q\n  hint: %s", name, hint)
}
