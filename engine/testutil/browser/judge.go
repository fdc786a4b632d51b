package browser

import (
	"context"
	"os"

	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// Worked is how many seconds of a processor the page's main thread has worked since it was
// first asked, however busy the machine is.
func (p *Page) Worked() (seconds float64) {
	p.t.Helper()
	p.Do(performance.Enable().WithTimeDomain(performance.EnableTimeDomainThreadTicks),
		chromedp.ActionFunc(func(ctx context.Context) error {
			metrics, err := performance.GetMetrics().Do(ctx)
			for _, m := range metrics {
				if m.Name == "TaskDuration" {
					seconds = m.Value
				}
			}
			return err
		}))
	return seconds
}

// accessible is what axe-core finds wrong with the page, a line each.
const accessible = `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.map((v) =>
	v.impact + " " + v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.target.join(" ") + " " +
	(n.any[0] ? n.any[0].message : "")).join("; ")).concat(r.passes.length ? [] : ["it judged nothing"]).join("\n"))`

// Judge fails the test if the page is wider than its window, or if axe-core finds fault
// with it. The latter is done if NETREPRO_AXE says where axe.min.js is, a file of npm's
// package axe-core.
func (p *Page) Judge() {
	p.t.Helper()
	var over int
	p.Eval("document.documentElement.scrollWidth - innerWidth", &over)
	if over > 0 {
		p.t.Errorf("the page is %d pixels wider than the window", over)
	}
	path := os.Getenv("NETREPRO_AXE")
	if path == "" {
		return
	}
	text, err := os.ReadFile(path)
	if err != nil {
		p.t.Fatal(err)
	}
	p.Eval(string(text), nil)
	var found string
	p.Eval(accessible, &found)
	if found != "" {
		p.t.Errorf("accessibility:\n%s", found)
	}
}
