package page

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"netrepro/engine/testutil/browser"
)

// screenshots is where pictures of pages are put, empty for nowhere.
var screenshots = os.Getenv("NETREPRO_SCREENSHOTS")

// pageOf writes the page of a capture, and returns its path.
func pageOf(t testing.TB, capture string) string {
	t.Helper()
	d, err := FromCapture(t.Context(), capture, &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	return saved(t, d)
}

func saved(t testing.TB, d *Document) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "page.html")
	if err := Save(t.Context(), path, d); err != nil {
		t.Fatal(err)
	}
	return path
}

const sample = "../../../testdata/capture/close-notify-after-fin.tcpdump.txt"

// captures are those that NETREPRO_PAGES names, with commas between, or the sample.
func captures() []string {
	if s := os.Getenv("NETREPRO_PAGES"); s != "" {
		return filepath.SplitList(s)
	}
	return []string{sample}
}

const ready = `document.documentElement.dataset.ready === "true"`

// TestBrowser opens pages in Chromium, wide and narrow, light and dark, and uses them.
func TestBrowser(t *testing.T) {
	b := browser.Start(t)
	for i, capture := range captures() {
		path := pageOf(t, capture)
		name := string(rune('a' + i))
		for _, tt := range []struct {
			name          string
			width, height int64
			dark          bool
		}{{"wide", 1600, 1000, false}, {"narrow", 320, 700, false}, {"dark", 1280, 900, true}} {
			t.Run(name+" "+tt.name, func(t *testing.T) {
				p := b.Open(t, path, tt.width, tt.height, tt.dark)
				p.Ready(ready)
				p.Screenshot(screenshots, name+"-"+tt.name)
				p.Judge()
				use(t, p, name+"-"+tt.name)
				p.Judge()
			})
		}
	}
}

// use filters, goes through packets by keys, and has plots drawn.
func use(t *testing.T, p *browser.Page, name string) {
	shown := func() (n int) { p.Ready(`!page.ladder.showing`); p.Eval(`page.ladder.shown`, &n); return n }
	selected := func() string { return p.Text(`page.ladder.item(page.ladder.at).row.frames[0]`) }
	all := shown()
	p.Do(chromedp.Focus(".rows", chromedp.ByQuery))
	p.Key(kb.Home)
	first := selected()
	p.Key(kb.ArrowDown)
	if all > 1 && selected() == first {
		t.Errorf("the arrow key stays at packet %s", first)
	}
	p.Key("/")
	if got := p.Text("document.activeElement.id"); got != "filter" {
		t.Errorf("the key / leads to %q", got)
	}
	p.Eval(`page.input.value = ""`, nil) // the browser that is driven types it all the same
	p.Type("#filter", "tcp=ack")
	if n := shown(); n >= all || n == 0 {
		t.Errorf("the filter shows %d of %d packets", n, all)
	}
	p.Type("#filter", "x")
	if got := p.Text(`document.getElementById("filter").getAttribute("aria-invalid")`); got != "true" {
		t.Errorf("a mistake in the filter is not told: %s", got)
	}
	p.Key(kb.Escape)
	if n := shown(); n != all {
		t.Errorf("without a filter %d of %d packets are shown", n, all)
	}
	p.Eval(`document.querySelector(".flow").click()`, nil)
	p.Ready(`document.querySelectorAll(".plot").length > 0`)
	p.Eval(`document.getElementById("details").scrollIntoView()`, nil)
	p.Screenshot(screenshots, name+"-plots")
	p.Eval(`(() => { const s = document.querySelectorAll(".tools select")[0]; s.value = "gaps"; s.dispatchEvent(new Event("change")); })()`, nil)
	p.Eval(`document.getElementById("ladder").scrollIntoView()`, nil)
	p.Screenshot(screenshots, name+"-gaps")
}
