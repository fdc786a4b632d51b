//go:build linux

package forging

import (
	"strconv"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/packet/field"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/vm"
)

// settings are header fields and what they become, by name, and the payload.
type settings struct {
	payload *string
	fields  map[string]fault.Setting
}

var settingsTable = vm.NewTable("set", "", func(s *settings) []vm.Argument {
	s.fields = map[string]fault.Setting{}
	out := []vm.Argument{args.String.Maybe(&s.payload, "payload", "the payload; lengths are made to fit")}
	for _, f := range field.All {
		if !f.ReadOnly {
			out = append(out, kinds[f].Into(f.Name, "of "+f.Layer.String()+": "+f.Doc, func(x any) {
				s.fields[f.Name] = x.(fault.Setting)
			}))
		}
	}
	return out
})

// KSettings is a table of header fields and what they become.
var KSettings = vm.NewKind("table of fields", "Settings", func(c *vm.Call, x lua.LValue) (*fault.Rewrite, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of fields", "write { ttl = 3 }")
	}
	r := &fault.Rewrite{}
	a := settingsTable.Read(c, t)
	for _, f := range field.All {
		if s, ok := a.fields[f.Name]; ok {
			r.Settings = append(r.Settings, s)
		}
	}
	if a.payload != nil {
		b := []byte(*a.payload)
		r.Payload = &b
	}
	if len(r.Settings) == 0 && r.Payload == nil {
		return nil, &vm.BadValue{Msg: "there is nothing to set", Word: "set", Hint: "write set = { ttl = 3 }"}
	}
	return r, nil
}).Of(settingsTable.Form())

// kinds are what header fields can become.
var kinds = func() map[*field.Field]*vm.Kind {
	out := map[*field.Field]*vm.Kind{}
	for _, f := range field.All {
		out[f] = vm.NewKind(f.Name, "integer|string|boolean", func(_ *vm.Call, x lua.LValue) (fault.Setting, error) {
			return parseSetting(f, x)
		}).Kind
	}
	return out
}()

func parseSetting(f *field.Field, x lua.LValue) (fault.Setting, error) {
	s := fault.Setting{Field: f}
	if f.Option && x == lua.LFalse {
		s.Strip = true
		return s, nil
	}
	if f.Option && f.Type == field.Bool {
		return s, args.Wrong(x, "something this option can become", "write false to take it away")
	}
	if text, ok := x.(lua.LString); ok && f.Type == field.Number && text != "" && (text[0] == '+' || text[0] == '-') {
		n, err := strconv.ParseInt(string(text), 10, 64)
		if err != nil {
			return s, args.Wrong(x, "a number to add", `write "+1000" or "-1"`)
		}
		s.Add, s.Value.N = true, uint64(n)
		return s, nil
	}
	v, err := matching.ValueOf(f, x)
	s.Value = v
	s.Relative = f.Name == "seq" || f.Name == "ack"
	return s, err
}
