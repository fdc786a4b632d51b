//go:build linux

package doctor

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Fix is something that can be done at once and undone by a restart: a setting, or a
// module of the kernel.
type Fix struct{ Setting, Value, Module string }

// String is the command that does the same.
func (f *Fix) String() string {
	if f.Module != "" {
		return "modprobe " + f.Module
	}
	return "sysctl -w " + f.Setting + "=" + f.Value
}

// Do does it, as root.
func (f *Fix) Do(ctx context.Context) error {
	if f.Module != "" {
		if text, err := exec.CommandContext(ctx, "modprobe", f.Module).CombinedOutput(); err != nil {
			return fmt.Errorf("modprobe %s: %w: %s", f.Module, err, strings.TrimSpace(string(text)))
		}
		return nil
	}
	path := filepath.Join("/proc/sys", strings.ReplaceAll(f.Setting, ".", "/"))
	if err := os.WriteFile(path, []byte(f.Value), 0); err != nil {
		return fmt.Errorf("set %s: %w", f.Setting, err)
	}
	return nil
}
