package page

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"netrepro/engine/report/inspect"
)

// told are the objects that trace --json prints of the packets of a capture, none if it
// cannot be read.
func told(t testing.TB, path string) (out []map[string]any) {
	t.Helper()
	var text bytes.Buffer
	if err := inspect.Show(t.Context(), path, inspect.Options{JSON: true, Flow: -1}, &text, io.Discard); err != nil {
		return nil
	}
	for _, v := range parsed(t, text.String()) {
		if v["n"] != nil {
			out = append(out, v)
		}
	}
	return out
}

// parsed are objects of JSON, one a line.
func parsed(t testing.TB, text string) (out []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		var v map[string]any
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		out = append(out, v)
	}
	return out
}

// inPage are the objects of a page as its script has them.
func inPage(t testing.TB, d *Document, packed bool) (packets, rows []map[string]any) {
	t.Helper()
	vm := opened(t, d, packed)
	for of, to := range map[string]*[]map[string]any{"packets": &packets, "rows": &rows} {
		v, err := vm.RunString("objects(c." + of + ")")
		if err != nil {
			t.Fatal(err)
		}
		*to = parsed(t, v.String())
	}
	return packets, rows
}

// TestSame holds the packets of a page to trace --json: all of each object stands in it, and
// in the one that is packed the same as in the one that is not.
func TestSame(t *testing.T) {
	for _, path := range append(captures(), odd(t)...) {
		want, name := told(t, path), filepath.Base(path)
		if want == nil {
			continue
		}
		d := read(t, path)
		packets, rows := inPage(t, d, false)
		packed, packedRows := inPage(t, d, true)
		if len(packets) != len(want) || len(want) == 0 {
			t.Errorf("%s: %d packets in the page, %d in the JSON", name, len(packets), len(want))
			continue
		}
		for i, object := range want {
			for key, v := range object {
				if !reflect.DeepEqual(v, packets[i][key]) {
					t.Errorf("%s: packet %d: %s is %v in the page, %v in the JSON", name, i+1, key, packets[i][key], v)
				}
			}
		}
		for i := range packets {
			if !reflect.DeepEqual(packets[i], packed[i]) {
				t.Errorf("%s: packet %d is\n%v in the page, packed\n%v", name, i+1, packets[i], packed[i])
			}
		}
		if !reflect.DeepEqual(rows, packedRows) {
			t.Errorf("%s: rows are others when they are packed", name)
		}
	}
}

// TestCarried shows what a text says that segments carry, though it has none of their bytes.
func TestCarried(t *testing.T) {
	const text = "12:00:00.000000 IP 192.0.2.1.4000 > 198.51.100.2.80: Flags [P.], seq 1:21, ack 1, win 3, length 20: " +
		"HTTP: GET /x HTTP/1.1\n"
	path := filepath.Join(t.TempDir(), "capture.txt")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	packets, rows := inPage(t, read(t, path), false)
	if len(packets) != 1 || !reflect.DeepEqual(packets[0]["app"], []any{"http GET /x"}) ||
		!reflect.DeepEqual(packets[0]["says"], []any{[]any{"http", "request", "GET /x"}}) {
		t.Fatalf("the packets are %v", packets)
	}
	if rows[0]["kind"] != "app" || !reflect.DeepEqual(rows[0]["marks"], []any{[]any{"app", "http GET /x"}}) {
		t.Errorf("the row is %v", rows[0])
	}
}
