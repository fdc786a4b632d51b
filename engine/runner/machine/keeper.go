//go:build linux

package machine

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// KeeperArg is the only argument of a process that gives the machine its
// settings back.
const KeeperArg = "netrepro-keeper"

// keeper is the process that outlives this one.
type keeper struct {
	before []setting
	cmd    *exec.Cmd
	in     io.Closer
}

// keep starts one and tells it what to set.
func keep(before []setting, locks []*os.File) (*keeper, error) {
	k := &keeper{before: before, cmd: exec.Command("/proc/self/exe", KeeperArg)}
	k.cmd.Args[0] = os.Args[0]
	k.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal's signal reaches it
	k.cmd.ExtraFiles = locks
	in, err := k.cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start keeper of settings: %w", err)
	}
	k.in = in
	out, err := k.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start keeper of settings: %w", err)
	}
	if err := k.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start keeper of settings: %w", err)
	}
	if err := json.NewEncoder(in).Encode(before); err != nil {
		return nil, errors.Join(fmt.Errorf("start keeper of settings: %w", err), k.restore())
	}
	// Nothing is changed before it is ready to change it back.
	if _, err := out.Read(make([]byte, 1)); err != nil {
		return nil, errors.Join(fmt.Errorf("start keeper of settings: %w", err), k.restore())
	}
	return k, nil
}

// restore gives the settings back, by the keeper or, if that is gone, at once.
func (k *keeper) restore() error {
	_ = k.in.Close()
	if k.cmd.Wait() == nil {
		return nil
	}
	return set(k.before)
}

// set sets the settings to what they were.
func set(before []setting) error {
	var errs []error
	for _, s := range before {
		errs = append(errs, os.WriteFile(sysctlPath(s.Name), []byte(s.Before), 0))
	}
	return errors.Join(errs...)
}

// Keeper reads settings from in, says on out that it has them, waits for the end
// of in and sets them. It does nothing if it was not told all.
func Keeper(in io.Reader, out io.Writer) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var before []setting
	d := json.NewDecoder(in)
	if err := d.Decode(&before); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	_, _ = out.Write([]byte{'\n'}) // whoever is gone needs no answer
	_, _ = io.Copy(io.Discard, in) // nothing more ever comes: this waits for the end
	return set(before)
}
