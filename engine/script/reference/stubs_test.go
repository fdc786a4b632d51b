//go:build linux

package reference_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script"
	"netrepro/engine/script/reference/stubs"
)

// namesIn are what the scenarios of a file give names to.
func namesIn(t *testing.T, file, text string) names {
	t.Helper()
	n := names{map[string]string{}, map[string]string{}}
	f, err := script.Load(t.Context(), file, text, script.Options{})
	if err != nil {
		if strings.Contains(err.Error(), "no scenario in this file") || strings.Contains(err.Error(), "top of a file") {
			return n
		}
		t.Fatal(err)
	}
	defer f.Close()
	for _, s := range f.Scenarios {
		for _, node := range s.Plan.Nodes {
			n.net[node.Name] = map[topology.Kind]string{topology.Router: "Router", topology.Switch: "Switch"}[node.Kind]
			if n.net[node.Name] == "" {
				n.net[node.Name] = "Host"
			}
		}
		for _, w := range s.Plan.Wires {
			n.net[w.Name] = "Wire"
		}
		for _, v := range s.Variants {
			for _, p := range v.Params {
				n.v[p.Name] = ""
			}
		}
		for _, a := range s.Matrix {
			n.v[a.Name] = ""
		}
	}
	return n
}

// TestScriptsHaveStubs holds the stubs to have each name that our scripts use.
func TestScriptsHaveStubs(t *testing.T) {
	s := readStubs(string(stubs.Of(read(t))))
	files := 0
	for _, dir := range []string{"scenarios", "lualib", "testdata/verbs"} {
		err := filepath.WalkDir("../../../"+dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".lua") || strings.HasSuffix(path, ".d.lua") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			files++
			n := names{}
			if dir != "lualib" {
				n = namesIn(t, path, string(b))
			}
			found, err := check(s, path, string(b), n)
			for _, f := range found {
				t.Error(f)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 30 {
		t.Errorf("%d files were looked at", files)
	}
}

// TestTypos holds the stubs, and what reads them here, to find what is misspelt.
func TestTypos(t *testing.T) {
	s := readStubs(string(stubs.Of(read(t))))
	for _, tt := range []struct{ right, typo, want string }{
		{`net.wan:drop {}`, `net.wan:dorp {}`, `Wire has no verb "dorp"`},
		{`net.wan:drop { nth = 3 }`, `net.wan:drop { nht = 3 }`, `no key "nht"`},
		{`net.wan:drop { tcp = "data" }`, `net.wan:drop { tcp = "dtaa" }`, `"dtaa" is not one of`},
		{`net.wan:drop { after = { tcp = "fin" } }`,
			`net.wan:drop { after = { tpc = "fin" } }`,
			`no key "tpc"`},
		{`net.client:ping(net.server)`, `net.clinet:ping(net.server)`, `Net has no member "clinet"`},
		{`print(v.outcome)`, `print(v.otucome)`, `Variant has no member "otucome"`},
		{`print(net.evidence)`, `print(net.evidnce)`, `no member "evidnce"`},
		{`local got = net.client:fetch { from = net.server } print(got.bytes)`,
			`local got = net.client:fetch { from = net.server } print(got.byts)`, `Response has no member "byts"`},
		{`local c, err = net.client:dial { to = net.server } c:read()`,
			`local c, err = net.client:dial { to = net.server } c:reed()`, `Conn has no verb "reed"`},
		{`net.server:listen(80, function(c) c:close() end)`,
			`net.server:listen(80, function(c) c:colse() end)`,
			`Conn has no verb "colse"`},
		{`net.wan:box(function(pkt) return pkt.ttl == 1 end)`,
			`net.wan:box(function(pkt) return pkt.tll == 1 end)`,
			`Passing has no member "tll"`},
		{`expect(net.trace):never { tcp = "rst" }`, `expect(net.trace):nevr { tcp = "rst" }`, `no verb "nevr"`},
		{`expect(net.trace):sequence { { tcp = "syn", times = 1 } }`,
			`expect(net.trace):sequence { { tcp = "syn", tims = 1 } }`,
			`no key "tims"`},
		{`expect(net.trace):includes { rst = { cause = "linger" } }`,
			`expect(net.trace):includes { rst = { cause = "lingr" } }`,
			`"lingr" is not one of`},
		{`for _, e in ipairs(net.server:events {}) do print(e.reason) end`,
			`for _, e in ipairs(net.server:events {}) do print(e.raeson) end`, `KernelEvent has no member "raeson"`},
		{`for _, p in ipairs(net.trace:packets {}) do print(p.seq) end`,
			`for _, p in ipairs(net.trace:packets {}) do print(p.sqe) end`,
			`Packet has no member "sqe"`},
		{`print(net.client:ping(net.server).lost)`,
			`print(net.client:ping(net.server).last)`,
			`PingResult has no member "last"`},
		{`net.server:serve { port = 80, routes = { ["/"] = { body = "x" } } }`,
			`net.server:serve { port = 80, routes = { ["/"] = { bdoy = "x" } } }`,
			`no key "bdoy"`},
		{`print(net.client.counters:since(net.client.counters))`,
			`print(net.client.counters:sinc(net.client.counters))`,
			`no verb "sinc"`},
	} {
		whole := func(line string) string {
			return fmt.Sprintf(`scenario "s" {
  topology = path { host "client", wire { name = "wan" }, host "server" },
  variants = { { "bug", outcome = "x" } },
  run = function(net, v)
    %s
  end }`, line)
		}
		n := namesIn(t, "s.lua", whole(tt.right))
		if found, err := check(s, "s.lua", whole(tt.right), n); err != nil || len(found) > 0 {
			t.Errorf("%s: %v %v", tt.right, found, err)
		}
		found, err := check(s, "s.lua", whole(tt.typo), n)
		if err != nil || len(found) != 1 || !strings.Contains(found[0], tt.want) {
			t.Errorf("%s: found %q, want %q (%v)", tt.typo, found, tt.want, err)
		}
	}
	for _, tt := range []struct{ text, want string }{
		{`scenario "s" { tpology = path { host "a" } }`, `no key "tpology"`},
		{`local w = wire { naem = "wan" }`, `no key "naem"`},
		{`local t = path { host { "a", gatway = "b" }, wire {} }`, `no key "gatway"`},
	} {
		found, err := check(s, "s.lua", tt.text, names{})
		if err != nil || len(found) != 1 || !strings.Contains(found[0], tt.want) {
			t.Errorf("%s: found %q, want %q (%v)", tt.text, found, tt.want, err)
		}
	}
}
