package page

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
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
	for _, name := range []string{"packed.js", "model.js", "filter.js"} {
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

// opened is a page whose data the script has opened, as they are or packed.
func opened(t testing.TB, d *Document, packed bool) *goja.Runtime {
	t.Helper()
	vm := model(t)
	if !packed {
		if err := vm.Set("text", data(t, d)); err != nil {
			t.Fatal(err)
		}
	} else {
		var b bytes.Buffer
		if err := d.writePacked(&b); err != nil {
			t.Fatal(err)
		}
		n := 4 + int(binary.LittleEndian.Uint32(b.Bytes()))
		err := errors.Join(vm.Set("text", string(b.Bytes()[4:n])), vm.Set("buffer", vm.NewArrayBuffer(b.Bytes())),
			vm.Set("start", (n+7)/8*8))
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := vm.RunString(`var doc = openData(text, globalThis.buffer, globalThis.start);
		var c = openCapture(doc.captures[0]);
		function shown(filter) {
			const test = readFilter(filter, c, doc.words), out = [];
			for (let i = 0; i < c.packets.length; i++) if (test(c.packets.at(i))) out.push(c.packets.at(i).n);
			return out;
		}
		function objects(of) {
			return Array.from({ length: of.length }, (_, i) => JSON.stringify(of.whole(i))).join("\n");
		}`); err != nil {
		t.Fatal(err)
	}
	return vm
}

// read reads a capture.
func read(t testing.TB, capture string) *Document {
	t.Helper()
	d, err := FromCapture(t.Context(), capture, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	return d
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
	for i, path := range paths {
		vm := opened(t, read(t, path), i%2 == 0)
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
