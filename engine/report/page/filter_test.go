package page

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/dop251/goja"

	"netrepro/engine/match"
	"netrepro/engine/match/filter"
	"netrepro/engine/report/inspect"
	"netrepro/engine/tcp"
)

// model runs the part of a page's script that knows no browser.
func model(t testing.TB) *goja.Runtime {
	t.Helper()
	vm := goja.New()
	for _, name := range []string{"model.js", "filter.js"} {
		if _, err := vm.RunString(asset(name)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	return vm
}

// data is the JSON of a page.
func data(t testing.TB, d *Document) string {
	t.Helper()
	var b bytes.Buffer
	if err := d.writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) {
		t.Fatal("the data of the page are no JSON")
	}
	return b.String()
}

// opened is a page whose data the script has opened.
func opened(t testing.TB, capture string) *goja.Runtime {
	t.Helper()
	d, err := FromCapture(t.Context(), capture, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	vm := model(t)
	if err := vm.Set("text", data(t, d)); err != nil {
		t.Fatal(err)
	}
	if _, err := vm.RunString(`var doc = JSON.parse(text); var c = openCapture(doc.captures[0]);
		function shown(filter) { return c.packets.filter(readFilter(filter, c, doc.words)).map((p) => p.n); }`); err != nil {
		t.Fatal(err)
	}
	return vm
}

// filters are of every key, with values that are so and that are not.
var filters = []string{
	"", "tcp=rto", "tcp=fast,rto", "!tcp=data", "tcp=ack", "tcp=syn", "tcp=any", "rst", "!rst", "rst=passive",
	"rst=active,passive", "rst=no-socket", "dropped", "dropped=false", "fault=true", "len>=1", "len=1..200", "len=0",
	"frame=2", "frame=1..5", "frame>=9", "flow=0", "flow=1", "port=443", "sport=443", "dport=53", "seq=0", "seq=1",
	"ack=1", "flags=S", "flags=.P", "flags=P.", "flags=none", "udp", "icmp", "!icmp", "icmp=echo-request",
	"icmp=frag-needed", "tls", "tls=client-hello", "http", "http=request", `http="GET /"`, "analysis",
	"analysis=retransmission", "analysis=duplicate_ack,zero_window", "rexmit>=1", "rexmit=0", "in_flight>=1000",
	"original=lost", "kernel_drop=NETFILTER", "timer=tcp_retransmit_timer", "queued=0", "size>=100", "payload=GET",
	"mss=1460", "mss=false", "mss>=500", "wscale=7", "df", "df=false", "ttl=64", "ttl>=60", "proto=tcp", "proto=17",
	"src=10.0.0.0/8", "dst=198.51.100.0/24", "src=::/0", "src_mac=02:00:00:00:01:01", "sack", "!sack_permitted",
	"timestamps=true", "win=0", "ecn=1..3", "ip_id=0", "host=server", "from=client to=server", "from=198.51.100.80",
	"tcp=data  len>=10\tdropped=false", "ether_type=2048", "tsval=false", "vlan=1", "icmp_type=3",
	// Mistakes.
	"frobnicate=1", "host=nobody", "port=70000", "port=0", "flow=x", "frame=3..1", "flags=Q", "flags=", "analysis=x",
	"tcp", "tcp=x", "dropped=perhaps", "conn=1", "len", "len=-1", "ttl=300", "src=1.2.3", "src=10.0.0.0/33",
	"src_mac=02:00", `http="GET`, "udp=false", "original=found", "tls=x", "icmp=x", "rst=x", "mss=70000", "where=1",
	"toString", "constructor=1", "kernel_drop=", "seq=4294967296", "df=1", "=", "!", "src=fe80::1%eth0", "src=01.2.3.4",
}

// TestFilter holds the filter of the page to trace --filter: the same packets, and the same
// mistakes.
func TestFilter(t *testing.T) {
	paths := append(captures(), odd(t)...)
	matched := map[string]bool{}
	for _, path := range paths {
		vm := opened(t, path)
		want, mistakes := traced(t, path)
		for _, text := range filters {
			err, want := mistakes[text], want[text]
			got := []int{}
			v, wrong := vm.RunString("shown(" + string(quote(text)) + ")")
			if (err != nil) != (wrong != nil) {
				t.Errorf("%s: %q: trace says %v, the page %v", filepath.Base(path), text, err, wrong)
				continue
			}
			if err != nil {
				continue
			}
			if err := vm.ExportTo(v, &got); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: %q: trace shows %v, the page %v", filepath.Base(path), text, want, got)
			}
			matched[text] = matched[text] || len(want) > 0
		}
	}
	some := 0
	for _, m := range matched {
		if m {
			some++
		}
	}
	if some < 30 {
		t.Errorf("only %d filters show any packet", some)
	}
	t.Logf("%d captures; %d of %d filters show packets, %d are mistakes", len(paths), some, len(matched),
		len(filters)-len(matched))
}

// traced are the packets that each filter shows, and what is wrong with the others.
func traced(t testing.TB, path string) (want map[string][]int, mistakes map[string]error) {
	t.Helper()
	o := inspect.Options{Each: func(*tcp.Record) error { return nil }}
	known, err := inspect.Walk(t.Context(), path, o, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	names := func(host string) (out []netip.Addr) {
		for a, name := range known.Names {
			if name == host {
				out = append(out, a)
			}
		}
		return out
	}
	parsed := map[string]*filter.Filter{}
	want, mistakes = map[string][]int{}, map[string]error{}
	for _, text := range filters {
		f, err := filter.Parse(text, names)
		if err != nil {
			mistakes[text] = err
			continue
		}
		parsed[text] = f
	}
	var q match.Packet
	_, err = inspect.Walk(t.Context(), path, inspect.Options{Each: func(r *tcp.Record) error {
		for text, f := range parsed {
			if f.Matches(q.Captured(r)) {
				want[text] = append(want[text], r.N)
			}
		}
		return nil
	}}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return want, mistakes
}

func quote(s string) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		return []byte(`""`)
	}
	return b
}

// odd are captures of many kinds.
func odd(t testing.TB) (out []string) {
	t.Helper()
	entries, err := os.ReadDir("../../../testdata/capture/odd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !e.IsDir() {
			out = append(out, filepath.Join("../../../testdata/capture/odd", e.Name()))
		}
	}
	if len(out) == 0 {
		t.Fatal("there are no captures")
	}
	return out
}

// TestSame holds the packets of a page to trace --json: all of each object stands in it.
func TestSame(t *testing.T) {
	for _, path := range append(captures(), odd(t)...) {
		var want bytes.Buffer
		if err := inspect.Show(t.Context(), path, inspect.Options{JSON: true, Flow: -1}, &want, io.Discard); err != nil {
			continue
		}
		vm := opened(t, path)
		packets := vm.Get("c").ToObject(vm).Get("packets").Export().([]any)
		n := 0
		for dec := json.NewDecoder(&want); ; n++ {
			var object map[string]any
			if err := dec.Decode(&object); err != nil {
				break
			}
			if object["n"] == nil {
				n--
				continue
			}
			has := packets[n].(map[string]any)
			for key, v := range object {
				a, errA := json.Marshal(v)
				b, errB := json.Marshal(has[key])
				if errA != nil || errB != nil || !bytes.Equal(a, b) {
					t.Errorf("%s: packet %d: %s is %s in the page, %s in the JSON", filepath.Base(path), n+1, key, b, a)
				}
			}
		}
		if n != len(packets) || n == 0 {
			t.Errorf("%s: %d packets in the page, %d in the JSON", filepath.Base(path), len(packets), n)
		}
	}
}
