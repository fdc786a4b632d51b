package plain

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"netrepro/engine/files"
	"netrepro/engine/near"
)

// wants is which kind of file a command takes.
var wants = map[string]files.Kind{
	"run": files.Scenario, "check": files.Scenario, "list": files.Scenario, "shell": files.Scenario, "watch": files.Scenario,
	"trace": files.Capture, "diagnose": files.Capture, "import": files.Capture, "replay": files.Capture,
	"anonymize": files.Capture, "report": files.Run,
}

// record is the file of the record of a run, in the folder of its output.
const record = "events.jsonl"

// kindOf is what a path names, as a command would take it.
func kindOf(path string) files.Kind {
	st, err := os.Stat(path)
	switch {
	case err != nil:
		return files.Unknown
	case !st.IsDir():
		if kind := files.KindOf(path); kind != files.Unknown || filepath.Ext(path) != ".lua" {
			return kind
		}
		return files.Scenario
	}
	if _, err := os.Stat(filepath.Join(path, record)); err == nil {
		return files.Run
	}
	if found, _ := filepath.Glob(filepath.Join(path, "*.lua")); len(found) > 0 { // the pattern is fine
		return files.Scenario
	}
	return files.Unknown
}

// takes says what kind of thing a path is, and which command takes it.
func takes(kind files.Kind, path string) string {
	switch kind {
	case files.Scenario:
		return fmt.Sprintf("%s has scenarios: to run them write netrepro run %s", path, path)
	case files.Capture:
		return fmt.Sprintf("%s is a capture: netrepro trace %s shows it, and netrepro import %s makes a scenario of it", path,
			path, path)
	case files.Run:
		return fmt.Sprintf("%s is the record of a run: netrepro report %s makes reports of it", path, path)
	case files.Page:
		return fmt.Sprintf("%s is a page for a browser", path)
	default:
		return ""
	}
}

// kind says of what a command failed with that a file is of another kind than it takes.
func kind(command string, args []string, err error) error {
	want, of := wants[command]
	if err == nil || !of || err.Error() == "" { // it has told already
		return err
	}
	for _, path := range args {
		is := kindOf(path)
		if text := takes(is, path); text != "" && is != want {
			return fmt.Errorf("%s: %s", command, text)
		}
		if st, serr := os.Stat(path); command == "report" && serr == nil && is == files.Unknown && st.IsDir() {
			return fmt.Errorf("report: %s is not the output directory of a run: it has no %s", path, record)
		}
	}
	return err
}

// verbs are what commands of other programs are called here.
var verbs = map[string]string{
	"test": "run", "exec": "run", "execute": "run", "start": "run", "lint": "check", "validate": "check", "verify": "check",
	"ls": "list", "show": "trace", "view": "trace", "read": "trace", "dump": "trace", "ladder": "trace", "open": "trace",
	"explain": "diagnose", "analyse": "diagnose", "analyze": "diagnose", "convert": "import", "repl": "shell",
	"enter": "shell", "reports": "report", "merge": "report", "man": "doc", "docs": "doc", "reference": "doc",
	"anonymise": "anonymize", "scrub": "anonymize", "sanitize": "anonymize", "playback": "replay",
}

// Unknown says of a command that there is none what is meant; nil if there is one.
func Unknown(root *cobra.Command, args []string) error {
	if _, _, err := root.Find(args); err == nil {
		return nil
	}
	return noCommand(root, args)
}

func noCommand(root *cobra.Command, args []string) error {
	i := slices.IndexFunc(args, func(a string) bool { return !strings.HasPrefix(a, "-") })
	if i < 0 {
		return nil
	}
	word := args[i]
	if text := takes(kindOf(word), word); text != "" {
		return fmt.Errorf("%q is no command: %s", word, text)
	}
	var names []string
	for _, c := range root.Commands() {
		if !c.Hidden {
			names = append(names, c.Name())
		}
	}
	meant := verbs[word]
	if meant == "" {
		meant = near.Word(word, names)
	}
	if meant != "" {
		return fmt.Errorf("%q is no command: did you mean netrepro %s?", word, meant)
	}
	return fmt.Errorf("%q is no command: there are %s", word, strings.Join(names, ", "))
}

// Help is the command that shows the help of others.
func Help() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]",
		Short: "Help about any command",
		RunE: func(c *cobra.Command, args []string) error {
			of, _, err := c.Root().Find(args)
			if err != nil {
				return noCommand(c.Root(), args)
			}
			of.InitDefaultHelpFlag()
			return of.Help()
		},
	}
}
