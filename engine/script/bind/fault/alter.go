//go:build linux

package fault

import (
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var optChecksum = args.Enum("fate of checksums", "mended", "kept")

// alterVerbs are the faults that change what arrives.
var alterVerbs = []*vm.Method{
	faultVerb("corrupt", "Flips bits of the packets that match. Checksums are kept, so that the receiver can tell, unless they are to be mended.",
		`net.wan:corrupt { from = net.server, tcp = "data", nth = 2, byte = 10 }`,
		[]vm.Option{
			args.Opt("layer", args.Enum("layer", "frame", "ip", "transport", "payload"), "where bytes are counted from: the payload, unless said; of a packet without one, if no byte is said either, the header before it"),
			args.Opt("byte", args.Int("byte", 0, 65535, "the first byte is number 0"), "which byte, from 0; drawn from the case's seed if not said"),
			args.Opt("xor", args.Int("byte", 1, 255, "1 to 255, as 0x01 for the last bit"), "which of its bits are flipped; one drawn from the seed if not said"),
			args.OptDef("checksum", optChecksum, `"kept"`, "whether checksums are made to fit"),
		},
		func(c *vm.Call) (fault.Action, error) {
			layer := ""
			if has(c.Args, "byte") {
				layer = "payload"
			}
			return &fault.Corrupt{Layer: vm.ArgOr(c, "layer", layer), At: vm.ArgOr(c, "byte", -1), XOR: byte(vm.ArgOr(c, "xor", 0)),
				Mend: vm.ArgOr(c, "checksum", "") == "mended", RNG: session.Of(c).RNG()}, nil
		}),
	faultVerb("truncate", "Cuts the packets that match short. Their lengths and checksums still speak of the whole, unless they are to be mended.",
		`net.wan:truncate { bytes = 100, from = net.server, tcp = "data", nth = 2 }`,
		[]vm.Option{
			args.Need("bytes", args.Int("size", 1, 65535, "a whole number of bytes"), "of the IP packet that are left"),
			args.OptDef("checksum", optChecksum, `"kept"`, "whether lengths and checksums are made to fit"),
		},
		func(c *vm.Call) (fault.Action, error) {
			return &fault.Truncate{To: c.Args["bytes"].(int), Mend: vm.ArgOr(c, "checksum", "") == "mended"}, nil
		}),
	faultVerb("rewrite", "Changes header fields of the packets that match, and mends their checksums.",
		`net.wan:rewrite { from = net.client, tcp = "syn", set = { mss = 1200, wscale = false, ttl = "-1" } }`,
		[]vm.Option{
			args.Need("set", kSettings, `fields and what they become: a value, "+1" or "-1" to add, false to take a TCP option away`),
			args.OptDef("checksum", optChecksum, `"mended"`, "whether checksums are made to fit"),
		},
		func(c *vm.Call) (fault.Action, error) {
			r := *c.Args["set"].(*fault.Rewrite)
			r.Keep = vm.ArgOr(c, "checksum", "") == "kept"
			m := matching.Of(c.Args)
			for _, s := range r.Settings {
				if err := m.Bears(s.Field); err != nil {
					return nil, c.Fail(s.Field.Name, "match packets that have it", "rewrite cannot apply: %v", err)
				}
			}
			return &r, nil
		}),
	faultVerb("replace", "Has another packet arrive instead of those that match: one with another payload, or other bytes altogether.",
		`net.wan:replace { from = net.server, http = "HTTP/1.1 200", with = "HTTP/1.1 500 no\r\n\r\n" }`,
		[]vm.Option{
			args.Opt("with", args.String, "what the payload becomes; lengths and checksums are made to fit"),
			args.Opt("ip", args.String, "what the IP packet becomes, header and all, as it is given"),
		},
		func(c *vm.Call) (fault.Action, error) {
			with, payload := vm.Arg[string](c, "with")
			ip, whole := vm.Arg[string](c, "ip")
			switch {
			case payload == whole:
				return nil, c.Fail("replace", `write with = "payload", or ip = hex "45 …"`, "replace takes one of with and ip")
			case payload:
				b := []byte(with)
				return &fault.Rewrite{Payload: &b}, nil
			case header.Version([]byte(ip)) != 4 && header.Version([]byte(ip)) != 6:
				return nil, c.Fail("ip", `it begins with its version: hex "45 …"`, "these bytes are no IP packet")
			}
			return &fault.Replace{IP: []byte(ip)}, nil
		}),
}

// kSettings is a table of header fields and what they become.
var kSettings = &vm.Kind{Name: "table of fields", Type: "Settings", Table: settingsTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of fields", "write { ttl = 3 }")
	}
	r := &fault.Rewrite{}
	a := c.Table(settingsTable, t)
	for _, f := range field.All {
		if s, ok := a[f.Name].(fault.Setting); ok {
			r.Settings = append(r.Settings, s)
		}
	}
	if p, ok := a["payload"].(string); ok {
		b := []byte(p)
		r.Payload = &b
	}
	if len(r.Settings) == 0 && r.Payload == nil {
		return nil, &vm.BadValue{Msg: "there is nothing to set", Word: "set", Hint: "write set = { ttl = 3 }"}
	}
	return r, nil
}}

var settingsTable = &vm.Method{Name: "set", Options: func() []vm.Option {
	out := []vm.Option{args.Opt("payload", args.String, "the payload; lengths are made to fit")}
	for _, f := range field.All {
		if !f.ReadOnly {
			out = append(out, args.Opt(f.Name, kSetting(f), "of "+f.Layer.String()+": "+f.Doc))
		}
	}
	return out
}()}

// kSetting is what a field can become.
func kSetting(f *field.Field) *vm.Kind {
	return &vm.Kind{Name: f.Name, Type: "integer|string|boolean", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		s := fault.Setting{Field: f}
		if f.Option && x == lua.LFalse {
			s.Strip = true
			return s, nil
		}
		if f.Option && f.Type == field.Bool {
			return nil, args.Wrong(x, "something this option can become", "write false to take it away")
		}
		if text, ok := x.(lua.LString); ok && f.Type == field.Number && text != "" && (text[0] == '+' || text[0] == '-') {
			n, err := strconv.ParseInt(string(text), 10, 64)
			if err != nil {
				return nil, args.Wrong(x, "a number to add", `write "+1000" or "-1"`)
			}
			s.Add, s.Value.N = true, uint64(n)
			return s, nil
		}
		v, err := matching.ValueOf(f, x)
		s.Value = v
		s.Relative = f.Name == "seq" || f.Name == "ack"
		return s, err
	}}
}
