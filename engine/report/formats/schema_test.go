package formats

import (
	"bytes"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestSchemas holds the report in JSON and the lines of events.jsonl to their schemas, by a
// validator that is not ours.
func TestSchemas(t *testing.T) {
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, tt := range []struct {
		schema, file string
		lines        bool
	}{
		{"report.schema.json", "testdata/json.golden", false},
		{"../stream/schema.json", "testdata/events.jsonl", true},
	} {
		s, err := c.Compile(tt.schema)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		parts := [][]byte{text}
		if tt.lines {
			parts = bytes.Split(bytes.TrimSpace(text), []byte{'\n'})
		}
		for _, p := range parts {
			x, err := jsonschema.UnmarshalJSON(bytes.NewReader(p))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.Validate(x); err != nil {
				t.Errorf("%s: %v", tt.file, err)
			}
			// A schema that lets everything pass holds nothing.
			wrong := map[bool]string{false: "version", true: "at"}[tt.lines]
			x.(map[string]any)[wrong] = "none"
			if err := s.Validate(x); err == nil {
				t.Errorf("%s: the schema takes any %s", tt.schema, wrong)
			}
		}
	}
}
