//go:build linux

package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"netrepro/engine/testutil/browser"
)

// shownCases are cases of the library whose pages are opened: each has something that the
// others have not.
var shownCases = []string{
	"abort/bug", "busy-server/bug", "close-race/bug", "ecmp-siblings/bug", "half-loaded-page/bug", "timewait-port-reuse/bug",
	"one-lost-segment", "ping-silent-tcp-fine/bug-firewall", "pmtu-blackhole/bug", "redirect-port-clash/bug",
}

// TestPages runs these, opens the page of each in Chromium, wide and narrow, light and dark,
// and uses it as its reader would: with a mouse, with keys, with a filter. With
// NETREPRO_SCREENSHOTS, pictures of them are put into that folder.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs ten cases")
	}
	chromium := browser.Start(t)
	c, dir, out := netrepro(t, context.Background(), append([]string{"run", "--html", "pages"}, shownCases...)...)
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	pictures := os.Getenv("NETREPRO_SCREENSHOTS")
	views := []struct {
		name          string
		width, height int64
		dark          bool
	}{{"wide", 1600, 1000, false}, {"narrow-dark", 320, 700, true}, {"wide-dark", 1600, 1000, true}, {"narrow", 320, 700, false}}
	for i, name := range append(shownCases, "index") {
		for k, v := range views {
			if pictures == "" && i%2 != k/2 {
				continue // the others are looked at when there are pictures
			}
			title := strings.ReplaceAll(name, "/", "-") + "-" + v.name
			t.Run(title, func(t *testing.T) {
				p := chromium.Open(t, filepath.Join(dir, "pages", name+".html"), v.width, v.height, v.dark)
				p.Ready(`document.documentElement.dataset.ready === "true"`)
				p.Screenshot(pictures, title)
				p.Judge()
				if name == "index" {
					return
				}
				read(t, p, func(part string) { p.Screenshot(pictures, title+"-"+part) })
				p.Judge()
			})
		}
	}
}

// read uses a page.
func read(t *testing.T, p *browser.Page, picture func(string)) {
	t.Helper()
	frame := func() string {
		return p.Text(`page.ladder.at < 0 ? "" : page.ladder.item(page.ladder.at).row.frames[0]`)
	}
	shown := func() (n int) {
		p.Ready(`!page.ladder.showing`)
		p.Eval(`page.ladder.shown`, &n)
		return n
	}
	says := func(what, expression, want string) {
		t.Helper()
		if got := p.Text(expression); got != want {
			t.Errorf("%s: %q, want %q", what, got, want)
		}
	}
	all := shown()
	// The mouse chooses a packet, and another that the page names.
	p.Do(chromedp.ScrollIntoView(".ladder", chromedp.ByQuery))
	p.Eval(`page.ladder.view.scrollTop = 0; page.ladder.draw()`, nil)
	chosen := "#" + p.Text(`[...document.querySelectorAll(".row:not(.event)")].slice(0, 4).pop().id`)
	want := p.Text("document.querySelector('" + chosen + " .n').textContent.slice(1)")
	p.Click(chosen + " .n")
	if got := frame(); got != want {
		t.Errorf("a click on packet %s chooses %q", want, got)
	}
	says("the details", `document.querySelector("#panel h3").textContent.startsWith("#`+want+` ")`, "true")
	says("one option is chosen", `document.querySelectorAll('.row[aria-selected="true"]').length`, "1")
	says("what is no text", `document.body.innerText.includes("[object ")`, "false")
	picture("packet")
	// Keys.
	p.Do(chromedp.Focus(".rows", chromedp.ByQuery))
	p.Key(kb.Home)
	p.Key(kb.End)
	says("the key End", `page.ladder.at === page.ladder.length - 1`, "true")
	p.Key(kb.Home)
	p.Key("n")
	says("the key n", `page.ladder.at > 0 || page.ladder.next((x) => x.row && remarkable.includes(x.row.kind), 1) < 0`, "true")
	// A filter.
	p.Key("/")
	p.Eval(`page.input.value = ""`, nil) // the browser that is driven types it all the same
	p.Type("#filter", "frame=1..4")
	if n := shown(); n == 0 || n >= all {
		t.Errorf("the filter shows %d of %d packets", n, all)
	}
	picture("filter")
	p.Key(kb.Escape)
	if n := shown(); n != all {
		t.Errorf("without a filter %d of %d packets are shown", n, all)
	}
	// Plots of a connection; a click on one leads to a packet.
	if p.Text(`document.querySelectorAll(".flow").length`) != "0" {
		p.Click(".flow")
		p.Ready(`document.querySelectorAll(".plot path").length > 0`)
		p.Do(chromedp.ScrollIntoView(".plot", chromedp.ByQuery))
		picture("plots")
		says("strokes", `[...document.querySelectorAll(".plot path")].every((x) => !x.getAttribute("d").includes("NaN"))`, "true")
		p.Click(".plot")
	}
	// The script: what was judged is marked, and leads to its packets.
	says("lines that were judged", `document.querySelectorAll(".script .pass, .script .fail").length > 0`, "true")
	p.Do(chromedp.ScrollIntoView("#source", chromedp.ByQuery))
	picture("script")
}
