package page

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html"
	"io"
	"strings"
)

//go:embed assets
var assets embed.FS

// asset is a file that is shipped with the program.
func asset(name string) string {
	b, err := assets.ReadFile("assets/" + name)
	if err != nil {
		panic(err) // a test would have failed
	}
	return string(b)
}

// Script and style of a page, each as it stands in the file.
func script() string {
	var b strings.Builder
	for _, name := range []string{"dom.js", "packed.js", "model.js", "filter.js", "plot.js", "ladder.js", "compare.js", "page.js"} {
		b.WriteString(asset(name))
	}
	return b.String()
}

// hash is how a content security policy allows a text in the page.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// Save writes d to the file at path, which is there only once it is whole.
func Save(ctx context.Context, path string, d *Document) error {
	return save(ctx, path, func(w io.Writer) error { return Write(w, d) })
}

// Write writes d as an HTML file.
func Write(w io.Writer, d *Document) error {
	kind, data := "json", d.writeJSON
	if d.isLarge() {
		kind, data = "packed", d.writePacked
	}
	return write(w, d.Title, kind, data, "page.html", script(), asset("page.css"))
}

// write puts data, script and style into the frame of a page. Data of kind json are escaped
// already; others are bytes.
func write(w io.Writer, title, kind string, data func(io.Writer) error, frame, script, style string) error {
	var text bytes.Buffer
	if kind == "json" {
		if err := data(&text); err != nil {
			return err
		}
	} else if err := compressed(&text, data); err != nil {
		return err
	}
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'",
		hash(script), hash(style))
	before, after, _ := strings.Cut(asset(frame), "{{data}}")
	fill := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{policy}}", policy, "{{style}}", style,
		"{{script}}", script, "{{kind}}", kind)
	for _, r := range []io.Reader{strings.NewReader(fill.Replace(before)), &text, strings.NewReader(fill.Replace(after))} {
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	return nil
}

// escaper takes from JSON what HTML or JavaScript could read as something else. Outside of
// strings, JSON has none of it.
type escaper struct{ w *bufio.Writer }

var escapes = strings.NewReplacer("<", `\u003c`, ">", `\u003e`, "&", `\u0026`, "\u2028", `\u2028`, "\u2029", `\u2029`)

// Write implements io.Writer. A character must be whole in p.
func (e escaper) Write(p []byte) (int, error) {
	_, err := escapes.WriteString(e.w, string(p))
	return len(p), err
}

// writeJSON writes the structure that README.md describes.
func (d *Document) writeJSON(to io.Writer) error {
	w := bufio.NewWriterSize(to, 1<<16)
	parts, err := d.describe((*objects).listed)
	if err != nil {
		return fmt.Errorf("write data of the page: %w", err)
	}
	for _, p := range parts {
		if _, err := (escaper{w}).Write(p); err != nil {
			return err
		}
	}
	return w.Flush()
}
