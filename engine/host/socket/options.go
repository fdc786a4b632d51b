//go:build linux

package socket

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
)

// Setting is an option with its value.
type Setting struct {
	*Option
	Int  int
	Text string
}

// Options of a socket, in the order they are set. What is not in it has the
// kernel's default.
type Options struct {
	// Linger sets SO_LINGER on with so long a wait; 0 makes close send RST.
	Linger *time.Duration
	Set    []Setting
	// MD5 signs what goes to and comes from these addresses (RFC 2385).
	MD5 []MD5Key
}

// Nodelay adds TCP_NODELAY, which nginx and curl both set, unless o says otherwise.
func (o Options) Nodelay() Options {
	if !slices.ContainsFunc(o.Set, func(s Setting) bool { return s.Name == "nodelay" }) {
		o.Set = append(slices.Clone(o.Set), Setting{Option: OptionOf("nodelay"), Int: 1})
	}
	return o
}

// MD5Key is the key that segments to and from an address are signed with.
type MD5Key struct {
	Peer netip.Addr
	Key  string
}

// Apply sets the options of a socket.
func (o Options) Apply(s *fd.Socket) error {
	for _, k := range o.MD5 {
		if err := k.apply(s); err != nil {
			return err
		}
	}
	return s.Control(func(fd int) error {
		family, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
		if err != nil {
			return fmt.Errorf("read family of socket: %w", err)
		}
		for _, p := range o.Set {
			if err := p.apply(fd, family == unix.AF_INET6); err != nil {
				return err
			}
		}
		if o.Linger == nil {
			return nil
		}
		return setLinger(fd, o.Linger)
	})
}

func (p *Setting) apply(fd int, six bool) error {
	var err error
	switch {
	case p.Kind == TextOption:
		if err = unix.SetsockoptString(fd, p.Level, p.Key, p.Text); err != nil {
			return fmt.Errorf("set %s to %q: %w", p.Name, p.Text, err)
		}
		return nil
	case six && p.Key6 != 0:
		err = unix.SetsockoptInt(fd, p.Level6, p.Key6, p.Int)
		// What it says to IPv4 follows the other option; an IPv6 socket that
		// takes no IPv4 may refuse it.
		v4 := unix.SetsockoptInt(fd, p.Level, p.Key, p.Int)
		if v4 != nil && !errors.Is(v4, unix.ENOPROTOOPT) && !errors.Is(v4, unix.EINVAL) {
			err = errors.Join(err, v4)
		}
	default:
		err = unix.SetsockoptInt(fd, p.Level, p.Key, p.Int)
	}
	if err != nil {
		return fmt.Errorf("set %s to %d: %w", p.Name, p.Int, err)
	}
	return nil
}

// setLinger sets SO_LINGER to whole seconds, rounded up, or off if d is nil.
func setLinger(fd int, d *time.Duration) error {
	l := unix.Linger{}
	if d != nil {
		l = unix.Linger{Onoff: 1, Linger: int32((*d + time.Second - 1) / time.Second)}
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l); err != nil {
		return fmt.Errorf("set linger: %w", err)
	}
	return nil
}
