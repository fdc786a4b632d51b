//go:build linux

package reference_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"netrepro/engine/script"
	"netrepro/engine/script/reference"
	"netrepro/engine/script/vm"
)

// groups are options that several verbs take, with the verbs that all take them.
// less are tables whose keys are left out. The verb set of connections takes
// nothing else.
var groups = []struct {
	name, doc string
	of        []string
	less      []string
}{
	{"SocketOptions", "Socket options that change what is on the wire.", []string{"Conn:set"}, nil},
	{"DatagramOptions", "Socket options of UDP and ICMP sockets.", []string{"Host:udp", "Host:icmp", "Conn:set"}, nil},
	{"FaultOptions", "Which of the packets that match a fault hits, and how it is shown.",
		[]string{"Wire:drop", "Wire:delay", "Wire:hold", "Wire:corrupt", "Wire:replace"}, []string{"PassingMatch"}},
	{"RuleMatch", "Which packets a rule of a node is about, and how it is shown.",
		[]string{"Host:drop", "Host:accept", "Host:redirect", "Host:dnat", "Host:masquerade", "Host:notrack"}, nil},
	{"PacketFields", "What a forged packet is.", []string{"Wire:inject", "Passing:answer", "Passing:send"}, nil},
	{"RequestOptions", "What is asked of an HTTP server.", []string{"Host:fetch", "Session:fetch"}, nil},
	{"ServerOptions", "What an HTTP server does, under nginx's names.", []string{"Host:serve", "Host:tls"}, nil},
	{"ProgramOptions", "How a program runs.", []string{"Host:run", "Host:start"}, nil},
	{"WireSettings", "What of a wire can change.", []string{"Wire:set"}, nil},
}

// docs of tables that stand in other options.
var tableDocs = map[string]string{
	"Match":        "Which packets of a trace are meant: all keys must hold.",
	"PassingMatch": "Which packets are meant while they pass: all keys must hold.",
	"Row":          "A row of a sequence: a match, how often and how soon.",
	"Reset":        "A reset, by who sent it and why.",
	"Chain":        "A certificate chain.",
	"Chance":       "A model of chance: independent, in bursts, or by Gilbert and Elliott's chain.",
	"Settings":     "Header fields and what they become: a value, \"+1\" to add, false to take a TCP option away.",
	"Ready":        "When a program is ready.",
	"Request":      "A request.",
	"MD5":          "A key of TCP_MD5SIG.",
	"Answer":       "What a server answers to a path.",
	"Route":        "A route.",
	"Record":       "What a name server answers.",
	"Parts":        "Nodes and wires in turn.",
}

// functions are the types of handlers: by verb and parameter, or by option.
var functions = map[string]string{
	"task.body":           "fun()",
	"Host:listen.handler": "fun(conn: Conn)",
	"Host:box.body":       "fun(pkt: Passing): boolean?",
	"Wire:box.body":       "fun(pkt: Passing): boolean?",
	"run":                 "fun(net: Net, v: Variant)",
	"compare":             "fun(results: table<string,table>)",
	"where":               "fun(pkt: Passing): any",
}

// when says in which phase a verb may be used.
var when = map[vm.Phase]string{vm.Loading: "at the top of a file", vm.Running: "inside run"}

// maker makes a reference of the tables of the language.
type maker struct {
	out    reference.Language
	parsed map[*vm.Method]bool
	used   map[string]bool // of functions
}

// fromTables is the language as package script has it.
func fromTables() *maker {
	m := &maker{parsed: map[*vm.Method]bool{}, used: map[string]bool{}}
	api := script.Language()
	verbs := map[string]*vm.Method{}
	each := func(do func(of string, dot bool, v *vm.Method)) {
		for _, v := range api.Globals {
			do("", false, v)
		}
		for _, name := range slices.Sorted(maps.Keys(api.Tables)) {
			for _, v := range api.Tables[name] {
				do(name, true, v)
			}
		}
		for _, c := range api.Classes {
			if c.Name == "Router" {
				continue // it has a host's
			}
			for _, v := range c.Methods {
				do(c.Name, false, v)
			}
		}
	}
	each(func(of string, _ bool, v *vm.Method) { verbs[of+":"+v.Name] = v })
	each(func(_ string, _ bool, v *vm.Method) { m.nested(v) })
	for _, g := range groups {
		m.group(g.name, g.doc, g.of, g.less, verbs)
	}
	m.inherit()
	each(m.verb)
	m.classes(api)
	return m
}

// nested takes in the tables that options of v are.
func (m *maker) nested(v *vm.Method) {
	if v == nil || m.parsed[v] {
		return
	}
	m.parsed[v] = true
	var kinds []*vm.Kind
	for _, p := range v.Params {
		kinds = append(kinds, p.Kind)
	}
	for _, o := range v.Options {
		kinds = append(kinds, o.Kind)
	}
	for _, k := range kinds {
		if k.Table == nil {
			continue
		}
		m.nested(k.Table)
		names := regexp.MustCompile(`[A-Z]\w+`).FindAllString(k.Type, -1)
		name := names[len(names)-1]
		if m.out.Table(name) == nil {
			m.out.Tables = append(m.out.Tables, m.table(name, tableDocs[name], k.Table))
		}
	}
	m.nested(v.Then)
}

// group adds a table of the options that verbs share.
func (m *maker) group(name, doc string, of, less []string, verbs map[string]*vm.Method) {
	t := m.table(name, doc, verbs[of[0]])
	t.First, t.List = "", ""
	t.Keys = slices.DeleteFunc(t.Keys, func(k reference.Key) bool {
		for _, l := range less {
			if slices.Contains(m.out.Table(l).Keys, k) {
				return true
			}
		}
		for _, v := range of[1:] {
			if !slices.Contains(m.table(name, "", verbs[v]).Keys, k) {
				return true
			}
		}
		return false
	})
	m.out.Tables = append(m.out.Tables, t)
}

// table has all options of v as keys.
func (m *maker) table(name, doc string, v *vm.Method) reference.Table {
	t := reference.Table{Name: name, Doc: doc, First: v.First, List: v.List}
	for _, o := range v.Options {
		t.Keys = append(t.Keys, reference.Key{Name: o.Name, Type: m.typeOf(name+"."+o.Name, o.Kind), Doc: o.Doc,
			Default: o.Default, Required: o.Required})
	}
	if name == "Parts" {
		t.Item = "Node.Part|Wire.Part"
	}
	return t
}

// typeOf is the type of an argument; those of functions are said here.
func (m *maker) typeOf(where string, k *vm.Kind) string {
	if k.Type != "function" {
		return k.Type
	}
	if functions[where] == "" {
		where = where[strings.LastIndex(where, ".")+1:] // of an option, whatever takes it
	}
	m.used[where] = true
	return functions[where]
}

// inherit has each table name those whose keys it has all, the largest first.
func (m *maker) inherit() {
	whole := slices.Clone(m.out.Tables)
	for i := range m.out.Tables {
		t := &m.out.Tables[i]
		*t = shrink(*t, slices.DeleteFunc(slices.Clone(whole), func(o reference.Table) bool {
			return len(o.Keys) >= len(t.Keys) // a table of the same keys is not part of it
		}))
	}
}

// shrink takes out of t the keys of the tables that it has whole.
func shrink(t reference.Table, of []reference.Table) reference.Table {
	slices.SortStableFunc(of, func(a, b reference.Table) int { return len(b.Keys) - len(a.Keys) })
	all := t.Keys
	for _, o := range of {
		in := func(k reference.Key) bool { return slices.Contains(all, k) }
		fresh := func(k reference.Key) bool { return slices.Contains(t.Keys, k) }
		if len(o.Keys) <= 2 || !every(o.Keys, in) || !slices.ContainsFunc(o.Keys, fresh) {
			continue
		}
		t.Has = append(t.Has, o.Name)
		theirs := func(k reference.Key) bool { return slices.Contains(o.Keys, k) }
		t.Keys = slices.DeleteFunc(slices.Clone(t.Keys), theirs)
	}
	return t
}

func every(keys []reference.Key, is func(reference.Key) bool) bool {
	return !slices.ContainsFunc(keys, func(k reference.Key) bool { return !is(k) })
}

// flat is t with the keys of the tables that it has.
func (m *maker) flat(t reference.Table) reference.Table {
	t.Keys = m.out.Keys(&t)
	t.Has = nil
	return t
}

func (m *maker) verb(of string, dot bool, v *vm.Method) {
	out := reference.Verb{Of: of, Dot: dot, Name: v.Name, Doc: v.Doc, When: when[v.Phase], Sample: v.Example}
	for _, p := range v.Params {
		where := strings.TrimPrefix(of+":"+v.Name+"."+p.Name, ":")
		out.Params = append(out.Params, reference.Param{Name: p.Name, Type: m.typeOf(where, p.Kind), Doc: p.Doc,
			Optional: p.Optional})
	}
	for _, g := range strings.Split(v.Returns, ", ") {
		if g != "" {
			out.Gives = append(out.Gives, g)
		}
	}
	if v.Options != nil {
		t := m.options(of, v, "Options")
		out.Takes = &t
	}
	if v.Then != nil {
		t := m.options(of, v.Then, "Header")
		out.Then = &t
	}
	m.out.Verbs = append(m.out.Verbs, out)
}

// options is the table of options of v.
func (m *maker) options(of string, v *vm.Method, suffix string) reference.Table {
	name := strings.ToUpper(v.Name[:1]) + v.Name[1:] + suffix
	if of != "" {
		name = of + "." + name
	}
	t := m.table(name, "", v)
	var others []reference.Table
	for _, o := range m.out.Tables {
		others = append(others, m.flat(o))
	}
	return shrink(t, others)
}

func (m *maker) classes(api *vm.Language) {
	for _, name := range slices.Sorted(maps.Keys(api.Tables)) {
		c := reference.Class{Name: name, Doc: "Functions that are called with a dot.", Table: true}
		m.out.Classes = append(m.out.Classes, c)
	}
	for _, c := range api.Classes {
		out := reference.Class{Name: c.Name, Doc: c.Doc}
		for _, f := range c.Fields {
			out.Fields = append(out.Fields, reference.Key{Name: f.Name, Type: f.Type, Doc: f.Doc})
		}
		switch c.Name {
		case "Router":
			out.Same = "Host"
		case "Net":
			out.Any = "any"
		case "Variant":
			out.Any = "any"
			out.Fields = []reference.Key{{Name: "name", Type: "string", Doc: "The name of the variant."}}
		case "Counters":
			out.Any = "integer?"
		case "Trace":
			out.Item = "Packet?"
		}
		m.out.Classes = append(m.out.Classes, out)
	}
}
