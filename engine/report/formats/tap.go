package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"netrepro/engine/report/stream"
	"netrepro/engine/sanitize"
)

// tap writes the Test Anything Protocol, version 14.
func tap(w io.Writer, r *stream.Run) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "TAP version 14\n1..%d\n", len(r.Cases))
	for i, c := range r.Cases {
		ok := "ok"
		if c.Ended.Verdict != stream.Passed && c.Ended.Verdict != stream.Skipped {
			ok = "not ok"
		}
		fmt.Fprintf(&b, "%s %d - %s", ok, i+1, tapText(c.Name))
		if c.Ended.Verdict == stream.Skipped {
			fmt.Fprintf(&b, " # SKIP %s", tapText(c.Ended.Why))
		}
		b.WriteString("\n")
		diagnostic(&b, c)
	}
	if n := len(r.Finished.NotRun); n > 0 {
		fmt.Fprintf(&b, "# %d cases were not run\n", n)
	}
	_, err := w.Write(b.Bytes())
	return err
}

// tapText is a text that stands in a test point: there "#" begins a directive.
func tapText(s string) string {
	return strings.NewReplacer(`\`, `\\`, "#", `\#`).Replace(sanitize.Text(s))
}

// diagnostic writes a block of YAML. Its strings are JSON's, which are YAML's.
func diagnostic(b *bytes.Buffer, c *stream.Case) {
	file, line := place(c)
	put := func(key string, value any) {
		var text bytes.Buffer
		e := json.NewEncoder(&text)
		e.SetEscapeHTML(false)
		_ = e.Encode(value) // texts and numbers always can be
		fmt.Fprintf(b, "  %s: %s\n", key, bytes.TrimSpace(sanitize.JSON(text.Bytes())))
	}
	b.WriteString("  ---\n")
	put("verdict", c.Ended.Word)
	put("duration_ms", int(c.Ended.Seconds*1000))
	if bad(c) {
		put("message", said(c))
		put("at", map[string]any{"file": file, "line": line})
		put("details", details(c))
		put("again", c.Command())
	}
	b.WriteString("  ...\n")
}
