package foreign

import (
	"maps"
	"slices"

	"netrepro/engine/script/foreign/grammar"
)

// names are what others have and Lua or scenarios have not, and what to write.
var names = map[string]string{
	"null": "Lua writes nil", "None": "Lua writes nil", "NULL": "Lua writes nil", "undefined": "Lua writes nil",
	"nullptr": "Lua writes nil", "Nil": "Lua writes nil", "True": "Lua writes true", "TRUE": "Lua writes true",
	"False": "Lua writes false", "FALSE": "Lua writes false", "yes": "Lua writes true", "no": "Lua writes false",
	"on": "Lua writes true", "off": "Lua writes false",
	"os":    `a scenario has no os: programs run on nodes, as net.client:run { "ip", "link" }, and sleep "1s" waits`,
	"io":    `a scenario has no io: it reads and writes no files; print tells people`,
	"debug": "a scenario has no debug: print tells people, and pause() stands still", "coroutine": "write task(function() … end)",
	"socket":  "sockets are opened on nodes: net.client:dial { … }, net.server:listen(80), net.client:udp { … }",
	"console": "write print(…)", "printf": "write print(string.format(…))", "println": "write print(…)", "echo": "write print(…)",
	"puts": "write print(…)", "log": "write print(…)", "logger": "write print(…)", "sprintf": "write string.format(…)",
	"fmt": "write string.format(…)", "format": "write string.format(…)", "len": "write #x", "length": "write #x",
	"range": "write for i = 1, 3 do … end", "enumerate": "write for i, x in ipairs(list) do … end", "str": "write tostring(x)",
	"parseInt": "write tonumber(x)", "append": "write table.insert(list, x)", "push": "write table.insert(list, x)",
	"join": "write table.concat(list, \", \")", "split": "write for word in text:gmatch(\"%S+\") do … end",
	"describe": "write scenario \"name\" { … }", "it": "write scenario \"name\" { … }", "test": "write scenario \"name\" { … }",
	"context": "write scenario \"name\" { … }", "assertEquals": "write expect(x):equals(y)", "assertEqual": "write expect(x):equals(y)",
	"assert_eq": "write expect(x):equals(y)", "assert_equal": "write expect(x):equals(y)", "assertTrue": "write expect(x):is_true()",
	"assert_true": "write expect(x):is_true()", "should": "write expect(x):equals(y)", "check": "write expect(x):equals(y)",
	"setTimeout": `write task(function() sleep "1s" … end)`, "delay": `to wait write sleep "1s"; of a wire write wire { delay = "20ms" }`,
	"usleep": `write sleep "1ms"`, "spawn": "write task(function() … end)", "thread": "write task(function() … end)",
	"go": "write task(function() … end)", "join_all": "write wait(t)", "dofile": "write require \"NAME\"",
	"loadfile": "write require \"NAME\"", "load": "a scenario does not load text; write require \"NAME\"",
	"loadstring": "a scenario does not load text; write require \"NAME\"", "collectgarbage": "leave it out",
	"setfenv": "keep values in locals", "getfenv": "keep values in locals", "self": "a function takes what it needs as parameters",
	"this": "a function takes what it needs as parameters", "abs": "write math.abs(x)", "min": "write math.min(a, b)",
	"max": "write math.max(a, b)", "floor": "write math.floor(x)", "ceil": "write math.ceil(x)", "round": "write math.floor(x + 0.5)",
	"random": "write math.random(1, 6)", "rand": "write math.random(1, 6)", "date": "write time.now(), which counts from when the case began",
	"datetime": "write time.now(), which counts from when the case began", "trace": "the trace is net.trace",
	"net": "net is the parameter of run: write run = function(net, v)", "v": "v is the second parameter of run: write run = function(net, v)",
	"variant": "the parameters of a variant are those of v, the second parameter of run", "params": "they are members of v, the second parameter of run",
	"curl":    `write net.client:fetch { from = site }, or local curl = require "curl" for the program`,
	"Mininet": "write topology = path { host \"a\", wire {}, host \"b\" }", "addHost": "write host \"name\" in the topology",
	"addLink": "write wire {} between two nodes of the topology", "link": "write wire {}", "node": "write host \"name\"",
	"IP": "packets are made with net.WIRE:inject { … }", "TCP": "packets are made with net.WIRE:inject { … }",
	"Ether": "packets are made with net.WIRE:inject { … }", "send": "packets are made with net.WIRE:inject { … }",
	"sendp": "packets are made with net.WIRE:inject { … }", "iptables": "write net.NODE:drop { … }", "nft": "write net.NODE:drop { … }, or rule",
	"tc": "write wire { delay = \"20ms\", rate = \"10Mbit\" }, or net.WIRE:set { … }", "must_not": "write expect(net.trace):never { … }",
	"expected": "write expect(x)", "Expect": "write expect(x)", "assume": "write must(x)", "f": "",
}

// Name says what to write for a name that nobody declared; empty if it is nothing that
// others have.
func Name(name string) string {
	if hint := names[name]; hint != "" {
		return hint
	}
	return grammar.Start(name)
}

// verbs are verbs of expectations of others, by what they are here.
var verbs = map[string][]string{
	"equals": {"toBe", "toEqual", "eq", "equal", "is", "be", "to_be", "to_equal", "isEqualTo", "toStrictEqual", "same", "toBeCloseTo",
		"should_be", "is_equal_to", "is_eq"},
	"differs_from": {"not_equals", "ne", "neq", "notEqual", "isnt", "is_not", "not_equal", "not_to_be", "differs", "toNotEqual"},
	"less_than":    {"lt", "below", "toBeLessThan", "under", "before_", "less", "isLessThan", "smaller_than"},
	"more_than":    {"gt", "above", "toBeGreaterThan", "greater_than", "over", "more", "greater", "larger_than", "exceeds"},
	"at_least":     {"gte", "ge", "toBeGreaterThanOrEqual", "min", "greater_or_equal", "not_less_than"},
	"at_most":      {"lte", "le", "toBeLessThanOrEqual", "max", "less_or_equal", "not_more_than"},
	"between":      {"within_range", "in_range", "toBeWithin", "range"},
	"is_nil":       {"toBeNull", "toBeNil", "is_null", "null", "isNil", "toBeUndefined", "be_nil", "is_none", "isNone"},
	"is_true":      {"toBeTruthy", "truthy", "isTrue", "toBeTrue", "ok", "is_ok", "be_true", "is_truthy"},
	"has":          {"toHaveProperty", "have", "includes_key", "has_key"},
	"matches":      {"toMatch", "match", "like", "regex", "contains", "toContain", "contain", "includes", "has_text", "match_pattern"},
	"succeeds":     {"works", "success", "passes", "ok", "to_succeed", "toSucceed", "is_ok", "not_fails", "does_not_fail", "succeed", "is_true"},
	"fails":        {"fail", "errors", "raises", "toThrow", "to_fail", "throws", "rejects", "fails_with", "is_error", "error", "is_nil"},
	"includes":     {"contains", "toContain", "has", "some", "any", "contain", "include", "exists", "shows", "sees"},
	"never":        {"excludes", "not_includes", "none", "not_contains", "no", "lacks", "not_has", "excluded"},
	"exactly":      {"count", "times", "toHaveLength", "equals", "counts", "has_count"},
	"every":        {"all", "each", "always", "for_all"},
	"sequence":     {"in_order", "order", "ordered", "follows", "series"},
	"reads":        {"looks_like", "is", "equals_text", "ladder"},
}

// Verb is the verb that one of another program's is here, of those known; empty if it is
// none.
func Verb(verb string, known []string) string {
	for _, ours := range slices.Sorted(maps.Keys(verbs)) {
		if slices.Contains(known, ours) && slices.Contains(verbs[ours], verb) {
			return ours
		}
	}
	return ""
}
