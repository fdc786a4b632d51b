//go:build linux

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netrepro/engine/report/formats"
	"netrepro/engine/report/recorder"
	"netrepro/engine/testutil/leaks"
)

// BenchmarkCostOfSuites runs many trivial cases: how many a second, how much memory the
// process that runs them takes at most, and how long their reports take.
func BenchmarkCostOfSuites(b *testing.B) {
	leaks.Lab(b)
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	bin := filepath.Join(b.TempDir(), "netrepro")
	if err := os.Symlink(exe, bin); err != nil {
		b.Fatal(err)
	}
	memory := map[int]float64{}
	for _, n := range []int{200, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			dir := b.TempDir()
			text := fmt.Sprintf(`for i = 1, %d do
  scenario("case-" .. i) {
    topology = path { host "a", wire {}, host "b" },
    run = function() expect(i):equals(i) end,
  }
end
`, n)
			if err := os.WriteFile(filepath.Join(dir, "many.lua"), []byte(text), 0o600); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				c := exec.Command(bin, "run", "-q", "-o", "out", "many.lua")
				c.Dir = dir
				begin := time.Now()
				out, err := c.CombinedOutput()
				took := time.Since(begin)
				if err != nil || !strings.Contains(string(out), fmt.Sprintf("%d as expected", n)) {
					b.Fatalf("%v: %s", err, out)
				}
				u := c.ProcessState.SysUsage().(*syscall.Rusage)
				memory[n] = float64(u.Maxrss) / 1024
				b.ReportMetric(float64(n)/took.Seconds(), "cases/s")
				b.ReportMetric(memory[n], "MB")
				begin = time.Now()
				run, err := recorder.Read([]string{filepath.Join(dir, "out")})
				if err != nil {
					b.Fatal(err)
				}
				for _, f := range formats.Names() {
					if err := formats.Write(b.Context(), []formats.Report{{Format: f, Path: filepath.Join(dir, f)}}, run,
						os.Stderr); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(time.Since(begin).Seconds(), "s/reports")
			}
		})
	}
	if memory[200] > 0 && memory[2000] > 2*memory[200]+16 {
		b.Errorf("the run takes %.0f MB for 200 cases and %.0f MB for 2000", memory[200], memory[2000])
	}
}
