package stream

import (
	_ "embed"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
)

//go:embed schema.json
var schema []byte

// TestSchema holds the schema to the Go types: every key is in it, and what is always
// there is required.
func TestSchema(t *testing.T) {
	type object struct {
		Required   []string
		Properties map[string]struct{ Const any }
	}
	var s struct {
		object
		OneOf       []object
		Definitions map[string]object
	}
	if err := json.Unmarshal(schema, &s); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{"event": "", "at": "", "case": ""}
	check := func(name string, typ reflect.Type, o object) {
		n := 0
		for i := range typ.NumField() {
			key, more, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if _, ok := o.Properties[key]; !ok {
				t.Errorf("%s: the schema has no %q", name, key)
			}
			if slices.Contains(o.Required, key) == (more == "omitempty") {
				t.Errorf("%s: %q is required, or not, in one place alone", name, key)
			}
			if other, twice := seen[key]; twice && name != "machine" { // neither would be written
				t.Errorf("%q is in %s and in %s", key, other, name)
			}
			seen[key] = name
			n++
		}
		for key, p := range o.Properties {
			if p.Const == nil {
				n--
			} else if key == "version" {
				n--
			}
		}
		if n != 0 {
			t.Errorf("%s: the schema has keys that there are not", name)
		}
	}
	parts := map[string]reflect.Type{Start: reflect.TypeFor[Started](), Begin: reflect.TypeFor[Began](),
		Say: reflect.TypeFor[Said](), End: reflect.TypeFor[Ended](), Finish: reflect.TypeFor[Finished]()}
	for _, o := range s.OneOf {
		kind, _ := o.Properties["event"].Const.(string)
		o.Required = slices.DeleteFunc(slices.Clone(o.Required), func(key string) bool { return key == "case" })
		check(kind, parts[kind], o)
		delete(parts, kind)
	}
	if len(parts) > 0 {
		t.Errorf("the schema has no %v", parts)
	}
	check("machine", reflect.TypeFor[Machine](), s.Definitions["machine"])
}
