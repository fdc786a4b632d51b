//go:build linux

package firewall

import "netrepro/engine/lab/firewall/tracking"

// Tracked is what connection tracking did since the last call. lost says that some of it
// was not heard. There is nothing where no rule was added, where one has packets not
// tracked, and where the kernel does not say.
func (t *Table) Tracked() (events []tracking.Event, lost bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listener == nil || t.notrack {
		return nil, false, nil
	}
	return t.listener.Drain()
}
