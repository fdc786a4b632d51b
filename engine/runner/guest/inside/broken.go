//go:build linux

package inside

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// Breaks are the ways in which a machine can be broken by a test, at the first case that it begins.
var Breaks = []string{"panic", "hang", "memory", "flood"}

// broken breaks the machine. It returns only from a flood.
func broken(how string) error {
	switch how {
	case "panic":
		if err := os.WriteFile("/proc/sysrq-trigger", []byte("c"), 0); err != nil {
			return fmt.Errorf("have the kernel panic: %w", err)
		}
		time.Sleep(time.Hour) // it goes on for a moment
	case "hang":
		for {
			time.Sleep(time.Hour) // which passes at once, again and again
		}
	case "memory": // process 1 is the one that the kernel does not end
		var held [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			held = append(held, b)
			_ = held
		}
	case "flood":
		line := strings.Repeat("a console that is written to without end ", 100) + "\n"
		for range 500 {
			fmt.Fprint(os.Stderr, line)
		}
	}
	return nil
}
