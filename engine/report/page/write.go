package page

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	for _, name := range []string{"dom.js", "model.js", "filter.js", "plot.js", "ladder.js", "page.js"} {
		b.WriteString(asset(name))
	}
	return b.String()
}

// hash is how a content security policy allows a text in the page.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// plainSize is up to what size the data of a page are written as they are. Larger ones are
// compressed: a page of many packets is sent around too.
const plainSize = 1 << 20

// Save writes d to the file at path, which is there only once it is whole.
func Save(ctx context.Context, path string, d *Document) error {
	return save(ctx, path, func(w io.Writer) error { return Write(w, d) })
}

// Write writes d as an HTML file.
func Write(w io.Writer, d *Document) error {
	return write(w, d.Title, func(w io.Writer) error { return d.writeJSON(w) }, "page.html", script(), asset("page.css"))
}

// write puts data, script and style into the frame of a page.
func write(w io.Writer, title string, data func(io.Writer) error, frame, script, style string) error {
	var plain bytes.Buffer
	kind, text := "json", io.Reader(&plain)
	if err := data(&limited{&plain, plainSize}); errors.Is(err, errLarge) {
		kind, plain = "gzip", bytes.Buffer{}
		encoded := base64.NewEncoder(base64.StdEncoding, &plain)
		z := gzip.NewWriter(encoded)
		if err := errors.Join(data(z), z.Close(), encoded.Close()); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	policy := fmt.Sprintf("default-src 'none'; script-src %s; style-src %s; base-uri 'none'; form-action 'none'",
		hash(script), hash(style))
	before, after, _ := strings.Cut(asset(frame), "{{data}}")
	fill := strings.NewReplacer("{{title}}", html.EscapeString(title), "{{policy}}", policy, "{{style}}", style,
		"{{script}}", script, "{{kind}}", kind)
	for _, r := range []io.Reader{strings.NewReader(fill.Replace(before)), text, strings.NewReader(fill.Replace(after))} {
		if _, err := io.Copy(w, r); err != nil {
			return err
		}
	}
	return nil
}

// errLarge ends the writing of data that are too many to stand in a page as they are.
var errLarge = errors.New("larger than is written as it is")

// limited passes on so many bytes, and no more.
type limited struct {
	w    io.Writer
	left int
}

// Write implements io.Writer.
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, errLarge
	}
	return l.w.Write(p)
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
	e := escaper{w}
	head := *d
	head.Captures = nil
	text, err := json.Marshal(&head)
	if err != nil {
		return fmt.Errorf("write data of the page: %w", err)
	}
	parts := [][]byte{bytes.Replace(text, []byte(`"captures":null}`), []byte(`"captures":[`), 1)}
	for i := range d.Captures {
		c := &d.Captures[i]
		text, err := json.Marshal(c)
		if err != nil {
			return fmt.Errorf("write data of the page: %w", err)
		}
		if i > 0 {
			parts = append(parts, []byte(","))
		}
		parts = append(parts, text[:len(text)-1], []byte(`,"packets":[`))
		parts = append(append(parts, listed(c.packets)...), []byte(`],"rows":[`))
		parts = append(append(parts, listed(c.rows)...), []byte("]}"))
	}
	for _, p := range append(parts, []byte("]}")) {
		if _, err := e.Write(p); err != nil {
			return err
		}
	}
	return w.Flush()
}

// listed are elements with commas between.
func listed(of [][]byte) (out [][]byte) {
	for i, x := range of {
		if i > 0 {
			out = append(out, []byte(","))
		}
		out = append(out, x)
	}
	return out
}
