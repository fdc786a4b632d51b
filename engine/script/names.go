//go:build linux

package script

// Names are the words of the language: verbs, members and options, for completion.
func Names() (out []string) {
	l := Language()
	for _, m := range l.Globals {
		out = append(out, m.Name)
	}
	for _, c := range l.Classes {
		for _, m := range c.Methods {
			out = append(out, m.Name)
			for _, o := range m.Options {
				out = append(out, o.Name)
			}
		}
		for _, f := range c.Fields {
			out = append(out, f.Name)
		}
	}
	return out
}
