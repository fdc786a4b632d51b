package page

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"netrepro/engine/testutil/browser"
)

// shownTexts are what the page shows of the packets of rows: for each, what it is called
// there, the text of its row in the ladder, and the table that says what trace --json has.
const shownTexts = `((from, to) => {
	const out = [], text = (e) => e.textContent;
	for (let i = from; i < Math.min(to, page.c.rows.length); i++) {
		const row = page.c.row(i), line = text(page.ladder.rowElement(page.ladder.item(page.ladder.placeOf(i)), 0, 0));
		for (const p of row.packets) {
			const parts = document.createElement("div"), table = {};
			parts.append(...page.packet(row, p));
			for (const tr of parts.querySelectorAll("table.analysed tr")) table[text(tr.children[0])] = text(tr.children[1]);
			out.push({ title: text(parts.querySelector("h3")), line, first: row.frames[0], table });
		}
	}
	return out;
})`

// shownText is one of these.
type shownText struct {
	Title, Line string
	First       int
	Table       map[string]string
}

// suite are the captures below the folder that NETREPRO_SUITE names: all that a run wrote.
func suite(t testing.TB) (out []string) {
	t.Helper()
	dir := os.Getenv("NETREPRO_SUITE")
	if dir == "" {
		return nil
	}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "trace.pcapng" {
			out = append(out, path)
		}
		return err
	})
	if err != nil || len(out) == 0 {
		t.Fatalf("no captures below %s: %v", dir, err)
	}
	return out
}

// TestText has Chromium show every packet of captures, and holds the text on the page to
// trace --json: each member with its value, and nothing else.
func TestText(t *testing.T) {
	b := browser.Start(t)
	files, all, values := 0, 0, 0
	for _, path := range append(append(captures(), odd(t)...), suite(t)...) {
		want := map[int]map[string]any{}
		for _, v := range told(t, path) {
			want[int(v["n"].(float64))] = v
		}
		if len(want) == 0 {
			continue
		}
		name, seen := path, 0
		if rel, err := filepath.Rel(os.Getenv("NETREPRO_SUITE"), path); err == nil {
			name = rel
		}
		t.Run(name, func(t *testing.T) {
			p := b.Open(t, pageOf(t, path), 1000, 800, false)
			p.Ready(ready)
			for from := 0; ; from += 1000 {
				var texts []shownText
				p.Eval(fmt.Sprintf("%s(%d, %d)", shownTexts, from, from+1000), &texts)
				if len(texts) == 0 {
					break
				}
				for _, s := range texts {
					seen++
					values += s.compare(t, want)
				}
			}
			if seen != len(want) {
				t.Errorf("%d packets on the page, %d in the JSON", seen, len(want))
			}
		})
		files, all = files+1, all+seen
	}
	t.Logf("%d captures, %d packets, %d values", files, all, values)
}

// compare holds what is shown of a packet to its object, and returns of how many members.
func (s *shownText) compare(t *testing.T, want map[int]map[string]any) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscanf(s.Title, "#%d ", &n); err != nil || want[n] == nil {
		t.Errorf("%q is the title of no packet", s.Title)
		return 0
	}
	object := want[n]
	if !strings.HasPrefix(s.Line, fmt.Sprintf("#%d %+.6f ", s.First, want[s.First]["time"])) {
		t.Errorf("packet %d: %v: its row says %q", n, object["time"], s.Line)
	}
	for key, v := range object {
		text, shown := s.Table[key]
		if !shown {
			t.Errorf("packet %d: %s is not shown", n, key)
			continue
		}
		var is any = text
		if _, isText := v.(string); !isText {
			if err := json.Unmarshal([]byte(text), &is); err != nil {
				t.Errorf("packet %d: %s: %v", n, key, err)
			}
		}
		if !reflect.DeepEqual(is, v) {
			t.Errorf("packet %d: %s is shown as %s, and is %v", n, key, text, v)
		}
	}
	if len(s.Table) != len(object) {
		t.Errorf("packet %d: %d values are shown, there are %d: %v", n, len(s.Table), len(object), s.Table)
	}
	return len(object)
}
