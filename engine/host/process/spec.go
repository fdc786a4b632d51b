//go:build linux

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"netrepro/engine/lab/netns"
)

// Spec says what to run and around it.
type Spec struct {
	Args []string // the program and its arguments
	NS   *netns.NS
	// Dir is a directory of its own, which is made: its working directory, with
	// Files in it. "$DIR" in arguments, environment and files becomes its path.
	Dir   string
	Files map[string]string
	Env   []string // NAME=value, besides what every program gets
	Input string   // its standard input
	// Over are files that it sees instead of others, by the path of those.
	Over map[string]string
	// Trusted gives it what the engine itself may do to the machine. What is not
	// trusted has the machine's files to read and no capabilities but over its
	// node's network.
	Trusted bool
	// Output is called with each line it writes, from one goroutine for each of
	// its two outputs; nil does not.
	Output func(line string, isErr bool)
}

// maxOutput is how much of each output is kept.
const maxOutput = 1 << 20

// paths are where programs are looked for besides PATH: those of servers are
// not in an ordinary user's.
const paths = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"

// Find is the path of a program.
func Find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return filepath.Abs(path)
	}
	if strings.Contains(name, "/") {
		return "", fmt.Errorf("find program %s: %w", name, err)
	}
	for dir := range strings.SplitSeq(paths, ":") {
		p := filepath.Join(dir, name)
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return p, nil
		}
	}
	return "", fmt.Errorf("find program %q: %w", name, fs.ErrNotExist)
}

// ErrZero says that a program cannot be given a text.
var ErrZero = errors.New("a program cannot be given a zero byte")

// shorten is the beginning of what may be long.
func shorten(s string) string {
	const most = 40
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// private is the mode of directories with keys in them.
const private = 0o700

// prepare makes the directory and its files and returns the spec with its
// places filled in.
func (s Spec) prepare() (Spec, error) {
	if len(s.Args) == 0 {
		return s, fmt.Errorf("run a program: none is named")
	}
	path, err := Find(s.Args[0])
	if err != nil {
		return s, err
	}
	for _, text := range slices.Concat(s.Args, s.Env) {
		if strings.ContainsRune(text, 0) {
			return s, fmt.Errorf("start %s: %q: %w", filepath.Base(path), shorten(text), ErrZero)
		}
	}
	fill := func(text string) string { return strings.ReplaceAll(text, "$DIR", s.Dir) }
	args := []string{path}
	for _, a := range s.Args[1:] {
		args = append(args, fill(a))
	}
	s.Args = args
	env := make([]string, len(s.Env))
	for i, e := range s.Env {
		env[i] = fill(e)
	}
	s.Env = env
	if err := os.MkdirAll(s.Dir, private); err != nil {
		return s, fmt.Errorf("make directory of %s: %w", filepath.Base(path), err)
	}
	for name, text := range s.Files {
		to := filepath.Join(s.Dir, name)
		if !filepath.IsLocal(name) {
			return s, fmt.Errorf("file %q is not within the program's directory", name)
		}
		if err := os.MkdirAll(filepath.Dir(to), private); err != nil {
			return s, fmt.Errorf("make file of %s: %w", filepath.Base(path), err)
		}
		if err := os.WriteFile(to, []byte(fill(text)), private&0o666); err != nil {
			return s, fmt.Errorf("make file of %s: %w", filepath.Base(path), err)
		}
	}
	return s, nil
}

// Exit is how a program ended.
type Exit struct {
	Code   int    // 0 to 255; -1 if a signal ended it
	Signal string // "SIGKILL"; empty if none did
	Took   time.Duration
}

// String says how in words.
func (e Exit) String() string {
	if e.Signal != "" {
		return "ended by " + e.Signal
	}
	return fmt.Sprintf("exit code %d", e.Code)
}
