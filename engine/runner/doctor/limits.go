//go:build linux

package doctor

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
)

// limit is a bound of a control group that a run may meet.
type limit struct {
	name, shows string
	controller  string // of version 1
	files       []string
	least       uint64
	mend        string
}

var limitsKnown = []limit{
	{"memory", "a case may hold 256 MB of a script's memory and its trace", "memory",
		[]string{"memory.max", "memory.limit_in_bytes"}, 1 << 30,
		"raise the memory limit of the container or its control group to 1 GB or more"},
	{"processes", "a case takes some twenty threads", "pids", []string{"pids.max"}, 200,
		"raise the limit of processes of the container or its control group (--pids-limit)"},
}

// limits are bounds of memory and processes.
func (m machine) limits() (out []Finding) {
	return limitsOf(text("/proc/self/cgroup"), os.DirFS("/sys/fs/cgroup"))
}

// limitsOf finds them in the control groups of a process, as /proc/PID/cgroup names them
// (cgroups(7)), of version 2 or 1, and in those around them.
func limitsOf(groups string, tree fs.FS) (out []Finding) {
	for _, l := range limitsKnown {
		f := Finding{Name: l.name, Shows: l.shows, OK: true}
		for line := range strings.Lines(groups) {
			part := strings.SplitN(strings.TrimSpace(line), ":", 3)
			if len(part) != 3 || part[1] != "" && part[1] != l.controller {
				continue
			}
			roots := []string{part[1]}
			if part[1] == "" { // version 2, which may stand beside version 1
				roots = []string{".", "unified"}
			}
			for _, root := range roots {
				for dir := path.Join(root, part[2]); ; dir = path.Dir(dir) {
					l.look(tree, dir, &f)
					if dir == root || dir == "." {
						break
					}
				}
			}
		}
		out = append(out, f)
	}
	return out
}

// look takes in what one group allows.
func (l *limit) look(tree fs.FS, dir string, f *Finding) {
	for _, file := range l.files {
		b, err := fs.ReadFile(tree, path.Join(dir, file))
		if err != nil {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
		if err == nil && n < l.least && f.OK {
			f.OK, f.Why = false, fmt.Sprintf("the control group %s has %s = %d", path.Clean("/"+dir), file, n)
			f.Mend = []string{"# " + l.mend}
		}
	}
}
