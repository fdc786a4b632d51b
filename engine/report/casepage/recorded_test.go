//go:build linux

package casepage

import "testing"

func TestPageName(t *testing.T) {
	for name, want := range map[string]string{"abort/bug": "abort/bug.html", "one": "one.html", "../../x": "_/_/x.html",
		"/etc/x": "_/etc/x.html", "a/..": "a/_.html", "a#b?/\x00c": "a_b_/_c.html", "": "_.html"} {
		if got := pageName(name); got != want {
			t.Errorf("%q is at %q, want %q", name, got, want)
		}
	}
}
