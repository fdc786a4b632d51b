package page

import (
	"bytes"
	"encoding/json"
	"io"
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
