// Package browser opens pages in Chromium, for tests.
//
// It is not part of the program. Invariant: a page that wrote an error to its console, or
// asked for anything but itself, fails the test.
package browser

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a page may take to do what it is asked to, on any machine.
const patience = 2 * time.Minute

// names are what Chromium is called.
var names = []string{"chromium", "chromium-browser", "google-chrome", "chrome", "headless_shell"}

// Browser is a running Chromium.
type Browser struct{ ctx context.Context }

// Start starts Chromium. Where there is none the test is skipped.
func Start(t testing.TB) *Browser {
	t.Helper()
	path := ""
	for _, name := range names {
		if p, err := exec.LookPath(name); err == nil {
			path = p
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: install the package chromium")
	}
	profile, err := os.MkdirTemp("", "chromium")
	if err != nil {
		t.Fatal(err)
	}
	o := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(profile), chromedp.WSURLReadTimeout(patience))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), o...)
	ctx, end := chromedp.NewContext(alloc, chromedp.WithErrorf(t.Logf))
	t.Cleanup(func() {
		end()
		stop()
		chromedp.FromContext(ctx).Allocator.Wait()
		for range 1000 { // its children may still write
			if os.RemoveAll(profile) == nil {
				break
			}
		}
	})
	if err := chromedp.Run(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return &Browser{ctx}
}

// Page is an open page.
type Page struct {
	t   testing.TB
	ctx context.Context
	url string

	mu     sync.Mutex
	faults []string
}

// Open opens the HTML file at path in a window so wide and high; dark says which colours
// the reader prefers. The page is closed, and judged, when the test ends.
func (b *Browser) Open(t testing.TB, path string, width, height int64, dark bool) *Page {
	t.Helper()
	tab, end := chromedp.NewContext(b.ctx)
	ctx, stop := context.WithTimeout(tab, patience)
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	p := &Page{t: t, ctx: ctx, url: "file://" + path}
	chromedp.ListenTarget(ctx, p.hear)
	t.Cleanup(func() {
		p.judge()
		stop()
		end()
	})
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	p.Do(network.Enable(), log.Enable(), chromedp.EmulateViewport(width, height),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		chromedp.Navigate(p.url))
	return p
}

// hear takes in what the browser tells of the page.
func (p *Page) hear(event any) {
	fault := ""
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; u != p.url && !strings.HasPrefix(u, "blob:") {
			fault = "it asked for " + u
		}
	case *runtime.EventExceptionThrown:
		fault = "exception: " + e.ExceptionDetails.Error()
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError || e.Type == runtime.APITypeWarning {
			fault = "console: " + string(e.Args[0].Value)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			fault = "log: " + e.Entry.Text
		}
	}
	if fault != "" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.faults = append(p.faults, fault)
	}
}

// judge fails the test if the page did what it may not.
func (p *Page) judge() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.faults {
		p.t.Errorf("%s: %s", filepath.Base(p.url), f)
	}
}

// Do does one thing after the other.
func (p *Page) Do(actions ...chromedp.Action) {
	p.t.Helper()
	if err := chromedp.Run(p.ctx, actions...); err != nil {
		p.t.Fatalf("%s: %v", filepath.Base(p.url), err)
	}
}

// Eval evaluates an expression of JavaScript into to.
func (p *Page) Eval(expression string, to any) {
	p.t.Helper()
	p.Do(chromedp.Evaluate(expression, to, func(o *runtime.EvaluateParams) *runtime.EvaluateParams {
		return o.WithAwaitPromise(true)
	}))
}

// Text is an expression of JavaScript as a text.
func (p *Page) Text(expression string) (text string) {
	p.t.Helper()
	p.Eval("String("+expression+")", &text)
	return text
}

// Ready waits until an expression is true.
func (p *Page) Ready(expression string) {
	p.t.Helper()
	p.Do(chromedp.Poll(expression, nil, chromedp.WithPollingTimeout(patience),
		chromedp.WithPollingInterval(20*time.Millisecond))) // a page behind another draws no pictures to wait for
}

// Key presses keys, as chromedp's package kb names them.
func (p *Page) Key(keys string) {
	p.t.Helper()
	p.Do(chromedp.KeyEvent(keys))
}

// Click clicks on the first element of a CSS selector with the mouse.
func (p *Page) Click(selector string) {
	p.t.Helper()
	p.Do(chromedp.ScrollIntoView(selector, chromedp.ByQuery), chromedp.Click(selector, chromedp.ByQuery))
}

// Type types a text into the first element of a CSS selector.
func (p *Page) Type(selector, text string) {
	p.t.Helper()
	p.Do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// Screenshot writes what the window shows to a file in dir, which may be empty for none.
func (p *Page) Screenshot(dir, name string) {
	p.t.Helper()
	if dir == "" {
		return
	}
	var png []byte
	p.Do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

// Memory is how many bytes the objects of the page's script take, and its buffers.
func (p *Page) Memory() (objects, buffers int64) {
	p.t.Helper()
	p.Do(chromedp.ActionFunc(func(ctx context.Context) error {
		if err := heapprofiler.CollectGarbage().Do(ctx); err != nil {
			return err
		}
		used, _, _, backing, err := runtime.GetHeapUsage().Do(ctx)
		objects, buffers = int64(used), int64(backing)
		return err
	}))
	return objects, buffers
}
