//go:build linux

package machine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/runner/fingerprint"
)

// turns keeps cases of this process that change the machine apart from the
// others.
var turns sync.RWMutex

// Files that cases lock while they run, those that change the machine alone. Both
// are the kernel's, so that no other is needed.
const (
	// rootLock is what root's cases lock: nobody else can open it.
	rootLock = "/proc/sys/kernel/cad_pid"
	// publicLock is what the cases of others lock, and those that change the
	// machine. Anyone may hold it, so that it is waited for no longer than [publicWait].
	publicLock = "/proc/sys/net/ipv4/tcp_max_orphans"
)

// publicWait is how long the public lock is waited for: longer than a case is
// likely to take.
const publicWait = time.Minute

// share waits until a case may run beside others, or alone if it changes the
// machine. The locks are held until the files are closed, by every process that
// has them.
func share(ctx context.Context, alone bool, say func(string)) (locks []*os.File, free func(), err error) {
	unlock := turns.RUnlock
	if alone {
		turns.Lock()
		unlock = turns.Unlock
	} else {
		turns.RLock()
	}
	free = func() {
		for _, f := range locks {
			_ = f.Close()
		}
		unlock()
	}
	// Who waits to be alone is let in next, or the others, who follow each other,
	// would keep it out for ever.
	gate, err := passGate(ctx, rootLock, alone, say)
	var root *os.File
	if err == nil {
		root, err = lockFile(ctx, rootLock, alone, 0, say)
		_ = gate.Close() // nil is none
	}
	if root != nil {
		locks = append(locks, root)
	}
	if err == nil && (root == nil || alone) {
		var public *os.File
		if public, err = lockFile(ctx, publicLock, alone, publicWait, say); public != nil {
			locks = append(locks, public)
		}
	}
	if err != nil {
		free()
		return nil, nil, fmt.Errorf("lock the machine's settings: %w", err)
	}
	return locks, free, nil
}

// restWait is how long [Fingerprint] waits for a run that has the settings changed.
const restWait = 3 * time.Second

// Fingerprint takes the fingerprint of the machine while no case has its settings changed.
// Where a case of another run has them changed for longer than it waits, they are left out.
// folder is where the commit is looked for.
func Fingerprint(ctx context.Context, folder string) fingerprint.Machine {
	return fingerprint.Take(folder, func(read func()) {
		_ = whileShared(ctx, restWait, []string{rootLock, publicLock}, read)
	})
}

// whileShared calls f while it holds, with others, the lock of the first file that it can
// open, and reports whether it called f: it does so without a lock where files of the kernel
// cannot be opened or locked, for no case changes settings there.
func whileShared(ctx context.Context, most time.Duration, paths []string, f func()) bool {
	for _, path := range paths {
		probe, err := os.Open(path)
		if err != nil {
			continue
		}
		_ = probe.Close()
		lock, err := lockFile(ctx, path, false, most, nil)
		if lock == nil && (err == nil || ctx.Err() != nil) {
			return false
		}
		if lock != nil { // where files of the kernel cannot be locked, no case locks them
			defer func() { _ = lock.Close() }()
		}
		break
	}
	f()
	return true
}

// silent is how long a lock is waited for without a word: longer than a case of
// another run takes that is alone, but for few.
var silent = 10 * time.Second

// lockFile locks the file at path, alone or with others, until it is closed. It
// gives up after most, if that is not 0: the file is nil then, as it is where it
// cannot be opened, for nothing of the machine can be changed from there.
func lockFile(ctx context.Context, path string, alone bool, most time.Duration, say func(string)) (*os.File, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	how := unix.LOCK_SH
	if alone {
		how = unix.LOCK_EX
	}
	got, err := await(ctx, most, func() error { return unix.Flock(int(f.Fd()), how|unix.LOCK_NB) }, func() {
		if say != nil {
			say(waitingFor(path, alone, most))
		}
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if !got {
		return nil, f.Close()
	}
	return f, nil
}

// passGate takes another lock of the file at path, which whoever waits to be alone
// holds alone; nil where there is none.
func passGate(ctx context.Context, path string, alone bool, say func(string)) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, nil //nolint:nilerr // what cannot be opened is not waited for
	}
	lock := unix.Flock_t{Type: unix.F_RDLCK, Len: 1}
	if alone {
		lock.Type = unix.F_WRLCK
	}
	_, err = await(ctx, 0, func() error { return unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &lock) }, func() {
		if say != nil {
			say(waitingFor(path, alone, 0))
		}
	})
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// await tries to get a lock until it has it, ctx ends, or most has passed, if that
// is not 0; it says so once if it must wait for longer than nobody notices.
func await(ctx context.Context, most time.Duration, try func() error, say func()) (got bool, err error) {
	const pause = 20 * time.Millisecond
	for waited := time.Duration(0); ; waited += pause {
		err := try()
		if err == nil {
			return true, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.EACCES) {
			return false, err
		}
		if waited == silent {
			say()
		}
		if most > 0 && waited >= most {
			return false, nil
		}
		select {
		case <-ctx.Done():
			return false, context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// waitingFor says what a lock is waited for.
func waitingFor(path string, alone bool, most time.Duration) string {
	s := "a case waits for another run, which has changed settings of the whole machine"
	if alone {
		s = "a case that changes settings of the whole machine waits for other runs to end theirs"
	}
	s += ": they hold " + path
	if most > 0 {
		s += fmt.Sprintf("; it goes on in %s at the latest", most)
	}
	return s
}
