package diagnosis

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// TestJSONIsDocumented has every key of the JSON in the page that describes it.
func TestJSONIsDocumented(t *testing.T) {
	b, err := os.ReadFile("../../diagnose/JSON.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	var each func(reflect.Type)
	each = func(of reflect.Type) {
		switch of.Kind() {
		case reflect.Slice, reflect.Array, reflect.Pointer:
			each(of.Elem())
		case reflect.Struct:
			for i := range of.NumField() {
				f := of.Field(i)
				if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
					if n++; !strings.Contains(string(b), "`"+name+"`") {
						t.Errorf("JSON.md does not say what %s is", name)
					}
				}
				each(f.Type)
			}
		}
	}
	each(reflect.TypeFor[report]())
	if n < 60 {
		t.Errorf("%d keys were found", n)
	}
}
