//go:build linux

package main

import (
	"fmt"

	"netrepro/cmd/netrepro-bench/figure"
	"netrepro/cmd/netrepro-bench/program"
)

// crowd is a case with many connections; it says what became of them.
const crowd = `
scenario "crowd" {
  timeout = "120s",
  topology = path { host "client", wire {}, host "server" },
  run = function(net)
    local site = net.server:%s
    local got = net.client:load { from = site, timeout = "60s", %s }
    local function sum(t) local n = 0 for _, v in pairs(t) do n = n + v end return n end
    must(got):succeeds()
    must(sum(got.outcomes)):equals(got.requests)
    must(sum(got.ended)):equals(got.connections)
    must(site.accepted):equals(got.connections)
    must(#net.trace:connections()):equals(got.connections)
    local function ms(s) return string.format("%%.1f", s * 1000) end
    local text = "%%d connections, %%d at once; %%d requests in %%.2f s, %%.0f a second; " ..
      "answered within %%s ms (half), %%s ms (99 of 100)"
    print("said", string.format(text, got.connections, got.peak, got.requests, got.time, got.rate,
      ms(got.latency.median), ms(got.latency:percentile(99))))
  end,
}
`

// crowds runs a case with a thousand TLS connections at once, and one with ten
// thousand short connections: every one of them must be accounted for.
func crowds(bin string, rounds int) error {
	for _, m := range []struct{ what, server, load string }{
		{"1,000 TLS connections at once", `tls { port = 443, backlog = 4096, body = "hello" }`,
			"connections = 1000, requests = 2000"},
		{"10,000 short connections", `serve { port = 80, backlog = 4096, close = true, body = "x" }`,
			"connections = 50, requests = 10000, reuse = false"},
	} {
		var took, memory []float64
		var said string
		for range rounds {
			s, err := program.Say(bin, fmt.Sprintf(crowd, m.server, m.load))
			if err != nil {
				return err
			}
			took, memory, said = append(took, s.Took.Seconds()), append(memory, float64(s.Memory)/1024), s.Said
		}
		fmt.Printf("%s, captured, followed and each accounted for: %s s from start to end, %s MB of memory at "+
			"its peak\n  the last: %s\n", m.what, figure.Of(took), figure.Of(memory), said)
	}
	fmt.Println("  limits: both ends of every handshake, the relay and the trace share two cores; a trace keeps " +
		"every packet it saw")
	return nil
}
