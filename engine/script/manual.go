//go:build linux

package script

import (
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// Manual is what a scenario's header tells a person with a symptom.
type Manual struct {
	Symptom   string   // what users see
	IsNot     string   // what it is taken for and is not
	Recognise string   // the filter or command that tells it in the field
	Kernels   string   // where the kernel decides: which ones
	Cure      string   // what helps
	Sources   []string // RFC sections, commits, reports
	Shows     []string // the mechanisms it stands for, as a library numbers them
}

// manualOptions are the keys of a scenario that make up its manual page.
var manualOptions = []vm.Option{
	args.Opt("symptom", args.String, "what users see"),
	args.Opt("is_not", args.String, "what it is taken for and is not"),
	args.Opt("recognise", args.String, "the filter or command that tells it in the field"),
	args.Opt("kernels", args.String, "where the kernel decides: which ones"),
	args.Opt("cure", args.String, "what helps"),
	args.Opt("sources", args.Strings, "RFC sections, commits, reports"),
	args.Opt("shows", args.Strings, "the mechanisms it stands for, as a library numbers them"),
}

// manual takes them in.
func manual(a map[string]any) (m Manual) {
	for k, p := range map[string]*string{"symptom": &m.Symptom, "is_not": &m.IsNot, "recognise": &m.Recognise, "kernels": &m.Kernels, "cure": &m.Cure} {
		if s, ok := a[k].(string); ok {
			*p = flow(s)
		}
	}
	m.Sources, _ = a["sources"].([]string)
	m.Shows, _ = a["shows"].([]string)
	return m
}
