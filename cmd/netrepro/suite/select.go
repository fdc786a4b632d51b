//go:build linux

package suite

import (
	"fmt"

	"github.com/spf13/cobra"

	"netrepro/engine/runner/selection"
)

// pathHelp says what may be named on the command line.
const pathHelp = `PATH is a file, a directory, - for standard input, a name, "scenario/variant", or a
glob of these such as 'tw-*' or '*/bug'; quote a glob. Beside files and directories, a
name selects of them. One that they do not have is looked for in the working directory
and in the shipped library.`

// selected are the flags that say which cases are meant.
type selected struct{ selection.Options }

func (s *selected) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&s.Tag, "tag", "", "only scenarios with these tags: 'tcp and not slow'")
	f.StringArrayVar(&s.Exclude, "exclude", nil, "leave out this name, glob, file or directory; may be repeated")
}

// load loads what args and the flags name.
func (s *selected) load(cmd *cobra.Command, e Console, args []string) (*selection.Cases, error) {
	o := s.Options
	o.Paths, o.Stdin = args, e.In
	o.Warn = func(text string) { fmt.Fprintln(e.Err, "netrepro: "+text) }
	return selection.Load(cmd.Context(), o)
}
