//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/cmd/netrepro-bench/program"
	"netrepro/engine/report/formats"
	"netrepro/engine/report/stream"
)

// many runs a suite of trivial cases: how many a second, how much of their time is not
// spent waiting, what memory the parent takes, and how long the reports take.
func many(bin string) error {
	few, err := suite(bin, 200)
	if err != nil {
		return err
	}
	lots, err := suite(bin, 2000)
	if err != nil {
		return err
	}
	if room := int64(16 << 10); lots > 2*few+room {
		return fmt.Errorf("the parent has %d KB for 200 cases and %d KB for 2000", few, lots)
	}
	fmt.Println("  limits: a case makes three namespaces under the kernel's one lock, and lets go of them after an RCU " +
		"grace period; the kernel's programs are loaded for each")
	return nil
}

// trivial is a file of so many trivial scenarios.
const trivial = `for i = 1, %d do
  scenario("case-" .. i) {
    topology = path { host "a", wire {}, host "b" },
    run = function() expect(i):equals(i) end,
  }
end
`

// suite runs n trivial cases, and returns the memory in KB that the parent had at most.
func suite(bin string, n int) (peak int64, err error) {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "many.lua")
	if err := os.WriteFile(file, fmt.Appendf(nil, trivial, n), 0o644); err != nil {
		return 0, err
	}
	out := filepath.Join(dir, "out")
	c := exec.Command(bin, "run", "--quiet", "-o", out, file)
	peaks, done := make(chan int64), make(chan struct{})
	began := time.Now()
	if err := c.Start(); err != nil {
		return 0, err
	}
	go func() { peaks <- peakOf(c.Process.Pid, done) }()
	err = program.Measured(c.Wait())
	took := time.Since(began)
	close(done)
	peak = <-peaks
	if err != nil {
		return 0, fmt.Errorf("%d cases: %w", n, err)
	}
	total, waits, err := timesOf(filepath.Join(out, stream.File))
	if err != nil {
		return 0, err
	}
	var reports []string
	for _, format := range formats.Names() {
		reports = append(reports, format+"="+filepath.Join(dir, format))
	}
	began = time.Now()
	text, err := exec.Command(bin, "report", "--report", strings.Join(reports, ","), out).CombinedOutput()
	if err := program.Measured(err); err != nil {
		return 0, fmt.Errorf("report of %d cases: %w\n%s", n, err, text)
	}
	fmt.Printf("%d trivial cases: %.1f a second (aim 60), %.0f %% of their time is not waiting, the parent has %.1f MB at "+
		"most, all reports take %.0f ms\n", n, float64(n)/took.Seconds(), 100*(1-waits/total), float64(peak)/1024,
		figure.Milliseconds(time.Since(began)))
	return peak, nil
}

// peakOf is the most memory in KB that a process had, as far as it could be read before it
// ended: its descendants are not counted.
func peakOf(pid int, done <-chan struct{}) (peak int64) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		_, rest, _ := strings.Cut(string(text), "VmHWM:")
		var n int64
		if _, err := fmt.Sscan(rest, &n); err == nil {
			peak = max(peak, n)
		}
	}
}

// timesOf are the seconds of all cases of a record, and those that they waited.
func timesOf(record string) (total, waits float64, err error) {
	f, err := os.Open(record)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e stream.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return 0, 0, err
		}
		if e.Event == stream.End && e.Ended != nil && e.Phases != nil {
			total, waits = total+e.Ended.Seconds, waits+e.Phases.Waits
		}
	}
	if total == 0 {
		return 0, 0, errors.Join(errors.New("the record has no times"), lines.Err())
	}
	return total, waits, lines.Err()
}
