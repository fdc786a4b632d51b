package compare

import (
	"context"
	"fmt"
	"path/filepath"

	"netrepro/engine/report/page"
)

// Page is a page with both captures, whose paths are a and b, and how they differ.
func (c *Comparison) Page(ctx context.Context, a, b string) (*page.Document, error) {
	d := page.New(page.KindComparison, named(a)+" and "+named(b))
	d.About = c.Summary()
	for _, path := range []string{a, b} {
		x, remarks, err := page.Read(ctx, path)
		if err != nil {
			return nil, err
		}
		if x.Name = named(path); path == b && named(a) == named(b) {
			x.Name += " (second)"
		}
		d.Captures, d.Remarks = append(d.Captures, x), append(d.Remarks, remarks...)
	}
	d.Again = []string{fmt.Sprintf("netrepro trace %s --diff %s", a, b)}
	for i := range c.Flows {
		f := &c.Flows[i]
		out := page.Compared{Title: f.Title, Pairs: []page.Pair{}}
		for k := range f.Pairs {
			p := &f.Pairs[k]
			x := page.Pair{A: -1, B: -1, Same: p.Same(), Differs: p.Differs}
			if p.A != nil {
				x.A = p.A.Number
			}
			if p.B != nil {
				x.B = p.B.Number
			}
			out.Pairs = append(out.Pairs, x)
		}
		d.Compared = append(d.Compared, out)
	}
	return d, nil
}

// named is a path as a title has it: the traces of cases are all called the same, and stand in
// folders that are called as the cases.
func named(path string) string {
	dir, file := filepath.Split(path)
	if dir = filepath.Clean(dir); dir == "." || dir == "/" {
		return file
	}
	if file == "trace.pcapng" {
		return filepath.Base(filepath.Dir(dir)) + "/" + filepath.Base(dir)
	}
	return filepath.Base(dir) + "/" + file
}
