//go:build linux

package expect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"netrepro/engine/expect"
	"netrepro/engine/expect/reads"
	"netrepro/engine/match/value"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// traceVerb makes a verb that judges a trace by what spec makes of its arguments.
func traceVerb[T any](m vm.Method, takes func(*T) []vm.Argument,
	spec func(*vm.Call, *T) (expect.Spec, error)) *vm.Method {
	m.Phase = vm.Running
	return vm.Verb(m, takes, func(c *vm.Call, a *T) error {
		s, err := spec(c, a)
		if err != nil {
			return err
		}
		return c.Self.(*expectation).judge(c, s)
	})
}

var traceExpectation = &vm.Class{Name: "Expectation", What: "an expectation on a trace",
	Doc: "What is expected of a trace."}

// counted is a match and how many are to match.
type counted struct {
	times expect.Count
	asked
}

func timesOption(to *expect.Count) vm.Argument {
	return args.Count.Def(to, "times", ">= 1", `how many: 3 or ">= 3"`)
}

// exact are the arguments of exactly.
type exact struct {
	n int
	asked
}

// again are the arguments of retransmits.
type again struct {
	times   expect.Count
	backoff string
	asked
}

var (
	kHowMany = args.Int("number", 0, 1<<30, "a whole number")
	kBackoff = args.Enum("backoff", "exponential")
	kRows    = vm.KindOf[[]expect.Row]{Kind: matching.KRows}
)

var traceExpectations = []*vm.Method{
	traceVerb(vm.Method{Name: "includes", Doc: "A matching packet is there.",
		Example: `expect(net.trace):includes { tcp = "rexmit", seq = 1 }`},
		func(a *counted) []vm.Argument {
			return append([]vm.Argument{timesOption(&a.times)}, askedOptions(&a.asked)...)
		},
		func(c *vm.Call, a *counted) (expect.Spec, error) {
			return expect.Includes{Match: a.match(c), Times: a.times}, nil
		}),
	traceVerb(vm.Method{Name: "never", Doc: "No packet matches, until the wires are idle.",
		Example: `expect(net.trace):never { tcp = "rto" }`}, askedOptions,
		func(c *vm.Call, a *asked) (expect.Spec, error) { return expect.Never{Match: a.match(c)}, nil }),
	traceVerb(vm.Method{Name: "exactly", Doc: "Exactly this many packets match.",
		Example: `expect(net.trace:at(net.client)):exactly(2, { tcp = "syn" })`},
		func(a *exact) []vm.Argument {
			return append([]vm.Argument{kHowMany.Param(&a.n, "n", "how many")}, askedOptions(&a.asked)...)
		},
		func(c *vm.Call, a *exact) (expect.Spec, error) {
			return expect.Includes{Match: a.match(c), Times: expect.Count{Min: a.n}}, nil
		}),
	traceVerb(vm.Method{Name: "sequence", Doc: "Packets come in this order; others may come between.",
		Example: `expect(net.trace:at(net.client)):sequence { { tcp = "syn" }, { tcp = "synack", within = "1s" } }`},
		func(rows *[]expect.Row) []vm.Argument {
			return []vm.Argument{kRows.Param(rows, "rows", "matches in order, with times and within")}
		},
		func(_ *vm.Call, rows *[]expect.Row) (expect.Spec, error) { return expect.Sequence{Rows: *rows}, nil }),
	traceVerb(vm.Method{Name: "reads",
		Doc: "The exchange reads as written: one packet a line, from the first on; ... lets any pass.",
		Example: "expect(net.trace:at(net.server)):reads [[\n  client > server  S\n  server > client  S.\n  ...\n" +
			"  server > client  R.  within 50ms\n]]"},
		func(text *string) []vm.Argument {
			return []vm.Argument{args.String.Param(text, "text",
				"SRC > DST FLAGS [seq N] [ack N] [len N|A..B] [rexmit] [tls NAME] "+
					"[rst CAUSE] [xN|x>=N] [within D]")}
		}, readsSpec),
	traceVerb(vm.Method{Name: "retransmits", Doc: "A segment is sent again, as seen at one capture point.",
		Example: `expect(net.trace:at(net.server)):retransmits { seq = 1, times = ">= 4", backoff = "exponential" }`},
		func(a *again) []vm.Argument {
			return append([]vm.Argument{
				timesOption(&a.times), kBackoff.Opt(&a.backoff, "backoff", "how the gaps between timeouts grow"),
			}, vm.Without(askedOptions(&a.asked), "backoff")...) // its own says how all of them grow
		},
		func(c *vm.Call, a *again) (expect.Spec, error) {
			return expect.Retransmits{Match: a.match(c), Times: a.times, Exponential: a.backoff != ""}, nil
		}),
	vm.Verb(vm.Method{Name: "every", Doc: "Begins an expectation of all packets that match, of which there " +
		"must be one; has says what they must have.",
		Example: `expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }`, Returns: "Every", Phase: vm.Running},
		askedOptions,
		func(c *vm.Call, a *asked) error {
			e := *c.Self.(*expectation)
			m := a.match(c)
			e.each = &m
			c.Return(c.VM.New(everyExpectation, &e))
			return nil
		}),
}

var everyExpectation = &vm.Class{Name: "Every", What: "an expectation on every packet that matches",
	Doc: "What is expected of every packet that matches.",
	Methods: []*vm.Method{traceVerb(vm.Method{Name: "has", Doc: "Each of them matches this too.",
		Example: `expect(net.trace):every { tcp = "syn" }:has { sport = 40000 }`}, askedOptions,
		func(c *vm.Call, a *asked) (expect.Spec, error) {
			return expect.Every{Of: *c.Self.(*expectation).each, Has: a.match(c)}, nil
		})}}

// readsSpec parses the text of reads; an error in it is shown on its own line.
func readsSpec(c *vm.Call, text *string) (expect.Spec, error) {
	s, err := reads.Parse(*text, func(name string) (*value.Party, error) {
		n := session.Of(c).Node(name)
		if n == nil {
			return nil, fmt.Errorf("%q is not a node of this topology", name)
		}
		return n.Party(), nil
	})
	if err == nil {
		return s, nil
	}
	rest, found := strings.CutPrefix(err.Error(), "line ")
	num, msg, _ := strings.Cut(rest, ": ")
	n, cerr := strconv.Atoi(num)
	lines := strings.Split(*text, "\n")
	if !found || cerr != nil || n > len(lines) {
		return nil, err
	}
	word := strings.TrimSpace(lines[n-1])
	return nil, c.Fail(word, "a line is SRC > DST FLAGS and what else is known", "reads: %s", msg)
}

// stalled are the arguments of stalls and flows.
type stalled struct {
	from   *session.Node
	longer time.Duration
	conn   *trace.Ends
	times  expect.Count
}

// stalledOptions are those of both; longer says what that is of each.
func stalledOptions(a *stalled, longer string) []vm.Argument {
	return []vm.Argument{
		session.KHost.Need(&a.from, "from", "the sender"), args.Bound.Need(&a.longer, "longer", longer),
		session.KEnds.Opt(&a.conn, "conn", "one connection"),
	}
}

func (a *stalled) stalls() expect.Stalls {
	return expect.Stalls{From: a.from.Party(), Longer: a.longer, Conn: a.conn, Times: a.times}
}

// none are the arguments of a verb that takes none.
type none struct{}

var streamVerbs = []*vm.Method{
	traceVerb(vm.Method{Name: "stalls", Doc: "The stream that a sender's peer receives in order stops for " +
		"this long, somewhere between its first and its last byte.",
		Example: `expect(net.trace):stalls { from = net.server, longer = "200ms" }`},
		func(a *stalled) []vm.Argument {
			return append(stalledOptions(a, "how long at least"), timesOption(&a.times))
		},
		func(_ *vm.Call, a *stalled) (expect.Spec, error) { return a.stalls(), nil }),
	traceVerb(vm.Method{Name: "flows", Doc: "A sender's peer receives a stream in order, which never stops " +
		"for this long; nor does it stop for good before all that was sent is there.",
		Example: `expect(net.trace):flows { from = net.server, longer = "200ms" }`},
		func(a *stalled) []vm.Argument { return stalledOptions(a, "how long is too long") },
		func(_ *vm.Call, a *stalled) (expect.Spec, error) { return expect.Flows(a.stalls()), nil }),
	traceVerb(vm.Method{Name: "lossless", Doc: "Only faults drop packets: everything else that leaves a " +
		"node arrives, and routers send on what they receive.", Example: `expect(net.trace):lossless()`},
		func(*none) []vm.Argument { return nil },
		func(*vm.Call, *none) (expect.Spec, error) { return expect.Lossless{}, nil }),
}
