package diagnosis

import (
	"encoding/json"
	"net/netip"
	"strings"

	"netrepro/engine/diagnose"
	"netrepro/engine/pattern"
	"netrepro/engine/sanitize"
)

// address is what may be an address in a text.
var address = pattern.New(`\d+\.\d+\.\d+\.\d+|\[[0-9a-f]*:[0-9a-f:.]*\]|[0-9a-f]*:[0-9a-f:]*[0-9a-f]`)

// named puts the names of hosts, as a text that was read has them, in place of the addresses
// that stand for them.
func named(r *diagnose.Report, text string, quoted bool) string {
	names := map[netip.Addr]string{}
	for _, f := range r.Incident.Files {
		for _, n := range f.Names {
			name := sanitize.Text(n.Host)
			if quoted {
				b, err := json.Marshal(name)
				if err != nil {
					continue // text always can be
				}
				name = string(b[1 : len(b)-1])
			}
			// Two texts may have one address stand for two hosts: then it stays.
			if other, ok := names[n.Addr]; ok && other != name {
				name = n.Addr.String()
			}
			names[n.Addr] = name
		}
	}
	if len(names) == 0 {
		return text
	}
	return address.ReplaceAllStringFunc(text, func(s string) string {
		a, err := netip.ParseAddr(strings.Trim(s, "[]"))
		if name, ok := names[a]; err == nil && ok {
			return name
		}
		return s
	})
}
