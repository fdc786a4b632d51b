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
func manualOptions(m *Manual) []vm.Argument {
	return []vm.Argument{
		kProse.Opt(&m.Symptom, "symptom", "what users see"),
		kProse.Opt(&m.IsNot, "is_not", "what it is taken for and is not"),
		kProse.Opt(&m.Recognise, "recognise", "the filter or command that tells it in the field"),
		kProse.Opt(&m.Kernels, "kernels", "where the kernel decides: which ones"),
		kProse.Opt(&m.Cure, "cure", "what helps"),
		args.Strings.Opt(&m.Sources, "sources", "RFC sections, commits, reports"),
		args.Strings.Opt(&m.Shows, "shows", "the mechanisms it stands for, as a library numbers them"),
	}
}
