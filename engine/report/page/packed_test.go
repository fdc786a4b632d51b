package page

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"netrepro/engine/report/page/pack"
)

// TestPacked has the script read what package pack wrote, of members that come late, change
// what they are, or are at the end of what can be counted.
func TestPacked(t *testing.T) {
	many := func(n int, format string, args ...func(int) int) (out []string) {
		for i := range n {
			var v []any
			for _, f := range args {
				v = append(v, f(i))
			}
			out = append(out, fmt.Sprintf(format, v...))
		}
		return out
	}
	same := func(i int) int { return i }
	for name, list := range map[string][]string{
		"none":      nil,
		"same":      {`{"a":1,"b":"x"}`, `{"a":1,"b":"x"}`},
		"late":      {`{"a":1}`, `{"a":2,"b":0.5}`, `{"b":0.25,"a":3}`, `{}`, `{"c":[1,2]}`},
		"kinds":     {`{"a":1}`, `{"a":0.000001}`, `{"a":"1"}`, `{"a":true}`, `{"a":{"b":[1,"]"]}}`, `{"a":-7}`},
		"decimals":  {`{"a":-0.000000001}`, `{"a":0.100}`, `{"a":86400.123456789}`, `{"a":3}`},
		"large":     {`{"a":4294967295}`, `{"a":0}`, `{"a":4294967296}`, `{"a":900719925474099}`},
		"exact":     {`{"a":9007199254740993123}`, `{"a":1e-9}`, `{"a":-0}`},
		"steps":     many(3000, `{"n":%d,"seq":%d}`, func(i int) int { return i + 7 }, func(i int) int { return i * 70000 }),
		"falling":   many(3000, `{"n":%d}`, func(i int) int { return -i * 300 }),
		"texts":     many(3000, `{"a":"x %d-%d 007 \" \\ 12345678901","f":[%d,3]}`, same, func(i int) int { return i * i }, same),
		"late text": append([]string{`{"b":1}`}, many(3000, `{"a":"%d"}`, same)...),
		"tuple":     {`{"a":1}`, `{"t":[1,null,"x",false]}`, `{"t":[null,7,null,true]}`, `{"a":2}`, `{"t":[4294967295,null,"y",null]}`},
		"nulls":     {`{"t":[null]}`, `{"t":[null]}`},
		"bytes":     {`{"raw":"AAEC"}`, `{"raw":""}`, `{"raw":"/w=="}`, `{"a":1}`, `{"raw":"//8="}`},
		"markup":    {`{"a":"\u003cb\u003e\u0026"}`, `{"a":"</script>"}`, `{"a":"ü\u2028"}`},
	} {
		table := pack.Table{Bytes: []string{"raw"}, Tuples: []string{"t"}}
		for _, o := range list {
			if err := table.Add([]byte(o)); err != nil {
				t.Errorf("%s: %s: %v", name, o, err)
			}
		}
		d := New(KindCapture, name)
		d.Captures = []Capture{{Flows: []Flow{}, packets: objects{table: table}}}
		got, rows := inPage(t, d, true)
		if want := parsed(t, strings.Join(list, "\n")); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the page has %.300s, want %.300s", name, fmt.Sprint(got), fmt.Sprint(want))
		}
		if len(rows) != 0 {
			t.Errorf("%s: %d rows", name, len(rows))
		}
	}
}
