package pack

import "testing"

func TestMistakes(t *testing.T) {
	for _, text := range []string{"", "{", "[1]", `{"a"}`, `{"a":}`, `{"a":1,}`, `{"a":"x}`, `{"a":[1}`, `{"a":1}}`, `{a:1}`,
		`{"b":"*"}`, `{"b":1}`, `{"a":tru}`} {
		table := Table{Bytes: []string{"b"}}
		if table.Add([]byte(text)) == nil {
			t.Errorf("%q was packed", text)
		}
	}
	table := Table{Tuples: []string{"t"}}
	if err := table.Add([]byte(`{"t":[1,2]}`)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{`{"t":[1]}`, `{"t":[1,2,3]}`} {
		other := table
		if other.Add([]byte(text)) == nil {
			t.Errorf("%s was packed beside arrays of two", text)
		}
	}
}

func TestNumber(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "-12": -12, "0.000001": 1000, "1.5": 1_500_000_000, "-0.000000001": -1,
		"999999999999999": 999999999999999} {
		if v, _, ok := readNumber([]byte(text)); !ok || v != want {
			t.Errorf("%s is %d, %v", text, v, ok)
		}
	}
	for _, text := range []string{"", "-", "-0", "+1", "1.", "1.0000000001", "1e3", "null", "1234567890123456", "1.+5", "99999999.5"} {
		if v, _, ok := readNumber([]byte(text)); ok {
			t.Errorf("%q is taken for %d", text, v)
		}
	}
}
