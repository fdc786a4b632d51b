//go:build linux

package reference_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/runner"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/reference"
	"netrepro/engine/script/session"
	"netrepro/engine/testutil/leaks"
)

func TestMain(m *testing.M) {
	if code, played := runner.Play(os.Args, os.Stdin, os.Stdout, os.Stderr); played {
		os.Exit(code)
	}
	os.Exit(m.Run())
}

// The networks that examples stand in.
const (
	line = `path { host "client", wire { name = "wan" }, router "edge", wire { name = "left" }, host "server" }`
	lan  = `path { host "client", wire { name = "wan" }, switch "lan", wire { name = "left" }, host "server" }`
	ring = `graph { nodes = { host "client", router "edge", router "left", router "right", host "server" }, links = {
    { "client", wire { name = "wan" }, "edge" }, { "edge", wire {}, "left" }, { "edge", wire {}, "right" },
    { "left", wire {}, "server" }, { "right", wire {}, "server" } } }`
)

const (
	aServer = `local site = server:serve { port = 80, body = "hello" } `
	aPeer   = `server:listen(8080, function(c)
      c:write("HTTP/1.0 200 OK\r\n\r\nhello") c:read_all { timeout = "300ms" } c:close()
    end)
    local conn = client:dial { to = server, port = 8080 } `
	aTLS     = `local site = server:tls { port = 443 } local call = client:tls { to = site } call:wait() `
	aLoad    = aServer + `local got = client:load { from = site, connections = 2, rate = 50, lasts = "200ms" } `
	aProgram = `local web = server:start { "sh", "-c", "trap 'exit 0' HUP; echo ready; sleep 0.5" } `
	aHold    = `server:listen(8080, function(c)
      c:write "a" sleep "20ms" c:write "b" c:read_all { timeout = "300ms" } c:close()
    end)
    local frozen = net.wan:hold { from = server, tcp = "data" }
    local conn = client:dial { to = server, port = 8080 } frozen:wait(2) `
	values = `local got = { bytes = 30000, time = 0.1 } local peer, fault = { port = 1 }, { hits = 1 }
    local ok, err, entry = true, "ECONNRESET", { reply_dport = 27464 } `
)

// before is what an example needs to have been said before it: by verb, or by
// class for all its verbs.
var before = map[string]string{
	"Listener":          `local listener = server:listen(8080) client:dial { to = server, port = 8080 } `,
	"Conn":              aPeer,
	"Call":              aTLS,
	"Server":            aServer,
	"Session":           aServer + `local browser = client:session { from = site } `,
	"Histogram":         aLoad,
	"Fault":             aHold,
	"Task":              `local t = task(function() end) `,
	"Process":           aProgram,
	"NameServer":        `local names = server:dns {} `,
	"Datagram":          `local s = server:udp { port = 53, recverr = true } `,
	"Counters":          `local before = server.counters `,
	"ValueExpectation":  values,
	"ResultExpectation": aTLS + `local done = call:wait() `,
	"Expectation":       aPeer + `conn:read_all() conn:close() `,
	"Every":             aPeer,
	"Trace":             aTLS + `local a, b = net.trace:at(client), net.trace:at(server) `,
	"wait":              `local t = task(function() end) `,
	"task":              aPeer,
	"host:fetch":        `local file = server:serve { port = 80 } `,
	"host:session":      aServer,
	"host:load":         aServer,
	"host:tls":          `local site = server:tls { port = 443 } `,
	"host:resolve":      `net.server:dns { names = { ["api.test"] = net.server } } `,
	"fault:disarm":      `local lost = net.wan:drop { from = server, tcp = "data" } `,
	"conn:handshake": `server:listen(8080, function(c) c:handshake { as = "server" } end)
    local conn = client:dial { to = server, port = 8080 } `,
	"conn:close_notify": aTLS + `local conn = call:conn() `,
	"conn:write_raw":    aTLS + `local conn = call:conn() `,
	"datagram:fault":    `local s = client:udp { to = server, to_port = 9, recverr = true } s:send "a" `,
	"wire:inject":       aPeer + `conn:read() `,
}

// network is the topology of an example.
func network(v *reference.Verb) string {
	switch {
	case v.Full() == "host:route":
		return ring
	case v.Of == "Switch":
		return lan
	}
	return line
}

// statement is an example as a statement: it may be an expression.
func statement(sample string) string {
	if _, err := diag.Parse("example", sample); err != nil {
		return "local _ = " + sample
	}
	return sample
}

// scenario is a file in which the example of v runs.
func scenario(v *reference.Verb) string {
	const head = "scenario %q { topology = %s, run = function(net, v)\n" +
		"    local client, server, edge, gateway = net.client, net.server, net.%s, net.%[3]s\n    %s\n    %s\n  end }\n"
	name := strings.NewReplacer(":", "-", ".", "-").Replace(v.Full())
	said, ok := before[v.Full()]
	if !ok {
		said = before[v.Of]
	}
	middle := "edge"
	if v.Of == "Switch" {
		middle = "lan"
	}
	switch {
	case v.Name == "scenario":
		return statement(v.Sample)
	case v.When == "at the top of a file":
		return statement(v.Sample) + "\n" + fmt.Sprintf(head, name, line, middle, "", "")
	case v.Of == "Passing":
		return fmt.Sprintf(head, name, line, middle, `edge:box(function(pkt) if pkt.syn then `+v.Sample+` end end)`,
			`client:dial { to = server, port = 80 }`)
	}
	return fmt.Sprintf(head, name, network(v), middle, said, statement(v.Sample))
}

// outside are examples that need a program which the machine may lack.
var outside = map[string]bool{"host:run": true, "host:start": true}

// TestExamplesLoad holds every example to be one that a scenario may say.
func TestExamplesLoad(t *testing.T) {
	l := read(t)
	for i := range l.Verbs {
		v := &l.Verbs[i]
		f, err := script.Load(t.Context(), v.Full()+".lua", scenario(v), script.Options{})
		if err != nil {
			t.Errorf("%s: %v\n%s", v.Full(), err, scenario(v))
			continue
		}
		f.Close()
	}
}

// ends are how cases ended, and what they printed.
type ends struct {
	results map[string]session.Result
	printed map[string][]string
}

func (ends) Begin(*task.Task) {}

func (e ends) Event(t *task.Task, ev session.Event) {
	if ev.Kind == session.EventLog {
		e.printed[t.Name()] = append(e.printed[t.Name()], ev.Text)
	}
}

func (e ends) End(t *task.Task, r session.Result) { e.results[t.Name()] = r }

// play runs scenarios, each in a file of its own, and returns how they ended.
func play(t *testing.T, texts []string) ends {
	t.Helper()
	dir := t.TempDir()
	golden, err := os.ReadFile("../../../scenarios/loss/one-lost-segment.golden")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "one-lost-segment.golden"), golden, 0o600); err != nil {
		t.Fatal(err)
	}
	var files []*script.File
	for i, text := range texts {
		f, err := script.Load(t.Context(), filepath.Join(dir, fmt.Sprintf("%d.lua", i)), text, script.Options{})
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		defer f.Close()
		files = append(files, f)
	}
	o := runner.Options{Parallel: 2, Selection: task.Selection{Repeat: 1, Out: filepath.Join(dir, "out")}}
	tasks, err := task.List(files, o.Selection)
	if err != nil {
		t.Fatal(err)
	}
	e := ends{map[string]session.Result{}, map[string][]string{}}
	if err := runner.Run(t.Context(), tasks, o, e); err != nil {
		t.Fatal(err)
	}
	return e
}

// TestExamplesRun runs every example that needs no program. An expectation in it
// may fail and a fault may never fire; that it is in error is not allowed.
func TestExamplesRun(t *testing.T) {
	leaks.Lab(t)
	l := read(t)
	var texts []string
	for i := range l.Verbs {
		if v := &l.Verbs[i]; !outside[v.Full()] {
			texts = append(texts, scenario(v))
		}
	}
	e := play(t, texts)
	for name, r := range e.results {
		if r.Verdict == session.Errored {
			t.Errorf("%s: %s", name, r.Why)
		}
	}
	if len(e.results) != len(texts) {
		t.Errorf("%d of %d examples ran", len(e.results), len(texts))
	}
}

// shapes are what the tables that verbs return are compared with, by type: how a
// scenario comes to one.
var shapes = []struct{ of, setUp, value string }{
	{"PingResult", "", "client:ping { to = server }"},
	{"Reply", "", "client:ping { to = server }.replies[1]"},
	{"Hops", "", "client:traceroute { to = server, by = \"icmp\" }"},
	{"Hop", "", "client:traceroute { to = server, by = \"icmp\" }[1]"},
	{"PathMTU", "", "client:path_mtu(server)"},
	{"Connect", "", "client:tcp_ping({ to = server, port = 81 })[1]"},
	{"Injected", aPeer + "conn:read() ", "net.wan:inject { conn = conn, toward = client, flags = \".\" }"},
	{"Bucket", aLoad, "got.latency:buckets()[1]"},
	{"ServedRequest", aServer + "client:fetch { from = site } ", "site:requests()[1]"},
	{"Query", `local names = server:dns {} client:resolve { "client", at = server } `, "names:queries()[1]"},
	{"Message", `local s = server:udp { port = 53 } client:udp { to = server, to_port = 53 }:send "a" `,
		"s:receive()"},
	{"ICMPError", before["datagram:fault"], "s:fault()"},
	{"ConnInfo", aPeer, "conn:info()"},
	{"SocketState", aPeer, `client:sockets { state = "ESTABLISHED" }[1]`},
	{"LearnedAddress", `client:ping(server) `, `net.lan:fdb()[1]`},
	{"KernelEvents", `client:dial { to = server, port = 81 } `, `server:events {} or "unknown"`},
	{"KernelEvent", `client:dial { to = server, port = 81 } `, `server:events { kind = "reset" } or "unknown"`},
}

// TestShapes holds what is said of the tables that verbs return to be so.
func TestShapes(t *testing.T) {
	leaks.Lab(t)
	l := read(t)
	var texts []string
	for _, s := range shapes {
		topology := line
		if s.of == "LearnedAddress" {
			topology = lan
		}
		texts = append(texts, fmt.Sprintf(`scenario %q { topology = %s, run = function(net)
  local client, server = net.client, net.server
  %s
  local value = %s
  if value == "unknown" then return print "unknown" end
  if %[1]q == "KernelEvent" then value = value[1] end
  for k, v in pairs(value) do if type(k) == "string" then print(k .. " " .. type(v)) end end
end }`, s.of, topology, s.setUp, s.value))
	}
	e := play(t, texts)
	for _, s := range shapes {
		got := map[string]string{}
		for _, p := range e.printed[s.of] {
			name, typ, _ := strings.Cut(p, " ")
			got[name] = typ
		}
		if _, silent := got["unknown"]; silent {
			continue // the kernel may not be asked here
		}
		if len(got) == 0 {
			t.Errorf("%s: %s", s.of, e.results[s.of].Why)
		}
		for _, k := range l.Table(s.of).Keys {
			typ := strings.NewReplacer("integer", "number").Replace(k.Type)
			if strings.Contains(typ, "[]") {
				typ = "table"
			}
			if strings.HasPrefix(typ, `"`) {
				typ = "string" // one of a few words
			}
			if has := got[k.Name]; has == "" && !k.Sometimes || has != "" && has != typ {
				t.Errorf("%s.%s is %q, and said to be %q", s.of, k.Name, has, k.Type)
			}
			delete(got, k.Name)
		}
		for name := range got {
			t.Errorf("nothing is said of %s.%s", s.of, name)
		}
	}
}
