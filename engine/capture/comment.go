package capture

import (
	"encoding/json"
	"slices"
	"strings"
	"unique"

	"netrepro/engine/tcp"
	"netrepro/engine/tcp/reset"
)

// reported is what a kernel said of a reset, as a comment has it.
type reported struct {
	*reset.Kernel
	Passive bool `json:"passive,omitempty"`
}

// Comments are what only the kernels could tell of a packet, for its frame in a
// file. Reading it gives the same [tcp.Input] again.
func Comments(in *tcp.Input) (out []string) {
	if in.KernelDrop != "" {
		out = append(out, CommentKernelDrop+in.KernelDrop)
	}
	if in.Timer != "" {
		out = append(out, CommentTimer+in.Timer)
	}
	if in.OriginalIs != "" {
		out = append(out, CommentOriginal+in.OriginalIs)
	}
	if in.Conntrack != "" {
		out = append(out, CommentConntrack+in.Conntrack)
	}
	switch {
	case in.Kernel != nil:
		if text, err := json.Marshal(reported{in.Kernel, in.Kernel.Passive}); err == nil { // it always is
			out = append(out, CommentReset+string(text))
		}
	case in.Asked:
		out = append(out, CommentReset+CommentNotSent)
	}
	return out
}

const (
	// maxRemark bounds what is kept of a comment of ours, maxName a name in the
	// kernel, maxReport what a kernel said of a reset: views keep those of many
	// frames.
	maxRemark, maxName, maxReport = 256, 128, 4096
)

// short is the beginning of s, without the rest of it in memory, and once for all frames
// that say the same: kernels have few names.
func short(s string, most int) string {
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return unique.Make(s).Value()
}

// name is a name in the kernel, cut to what the engine writes at most, once for all.
func name(s string) string { return unique.Make(s[:min(len(s), maxName)]).Value() }

// bound cuts k to what the engine writes at most.
func bound(k *reset.Kernel) {
	const stack = 24
	for _, s := range []*string{&k.Reason, &k.State, &k.Before, &k.Process} {
		*s = name(*s)
	}
	k.Stack = k.Stack[:min(len(k.Stack), stack)]
	for i, f := range k.Stack {
		k.Stack[i] = name(f)
	}
	k.Stack = slices.Clip(k.Stack)
}

// Told is what only the kernels could tell of a packet, and the engine of its frame,
// out of the comments of the frame.
func Told(comments []string) (in tcp.Input) {
	for _, c := range comments {
		comment(&in, c)
	}
	return in
}

// comment takes in a comment of a frame. Those that are not the engine's say
// nothing.
func comment(in *tcp.Input, text string) {
	if why, ok := strings.CutPrefix(text, CommentDropped); ok {
		in.Dropped = short(why, maxRemark)
	}
	if what, ok := strings.CutPrefix(text, CommentFault); ok {
		in.Fault = short(what, maxRemark)
	}
	if why, ok := strings.CutPrefix(text, CommentKernelDrop); ok {
		in.KernelDrop = short(why, maxName)
	}
	if f, ok := strings.CutPrefix(text, CommentTimer); ok {
		in.Timer = short(f, maxName)
	}
	if text == CommentOriginal+arrived {
		in.OriginalIs = arrived
	}
	if state, ok := strings.CutPrefix(text, CommentConntrack); ok {
		in.Conntrack = short(state, maxRemark)
	}
	said, ok := strings.CutPrefix(text, CommentReset)
	if !ok || len(said) > maxReport {
		return
	}
	if said == CommentNotSent {
		in.Kernel, in.Asked = nil, true
		return
	}
	r := reported{Kernel: &reset.Kernel{}}
	if json.Unmarshal([]byte(said), &r) == nil && r.Kernel != nil && r.Reason != "" {
		r.Kernel.Passive = r.Passive
		bound(r.Kernel)
		in.Kernel, in.Asked = r.Kernel, true
	}
}
