package stream

import (
	"strings"
	"testing"
)

const start = `{"event":"start","at":0,"version":1,"time":"t","seed":1,"cases":["a","b","c"],"machine":{}}` + "\n"

func ends(name, verdict string) string {
	return `{"event":"begin","at":1,"case":"` + name + `","scenario":"s","file":"s.lua","line":1,"source":"x"}` + "\n" +
		`{"event":"end","at":2,"case":"` + name + `","verdict":"` + verdict + `","word":"w","seconds":1,"packets":0,"tries":1}` +
		"\n"
}

// summary is a run in a line.
func summary(r *Run) string {
	var parts []string
	for _, c := range r.Cases {
		parts = append(parts, c.Name+" "+c.Ended.Verdict)
	}
	return strings.Join(parts, ", ") + "; not run: " + strings.Join(r.Finished.NotRun, " ")
}

func TestRead(t *testing.T) {
	const finish = `{"event":"finish","at":9,"took":9}` + "\n"
	retried := strings.Replace(ends("a", "passed"), `"tries":1`, `"tries":2,"lost":1`, 1)
	retried = strings.Replace(retried, "\n", "\n"+
		`{"event":"say","at":1,"case":"a","kind":"expect","try":1,"into":0,"text":"first","pass":false}`+"\n"+
		`{"event":"say","at":1,"case":"a","kind":"expect","try":2,"into":0,"text":"second","pass":true}`+"\n", 1)
	for _, tt := range []struct{ name, text, want string }{
		{"whole", start + ends("b", "failed") + ends("a", "passed") + ends("c", "skipped") + finish,
			"a passed, b failed, c skipped; not run: "},
		{"killed", start + ends("b", "passed"), "b passed; not run: a c"},
		{"cut in a line", start + ends("b", "passed") + `{"event":"begin","ca`, "b passed; not run: a c"},
		{"a case that did not end", start + strings.SplitAfter(ends("b", "passed"), "\n")[0], "b error; not run: a c"},
		{"a later release", start + `{"event":"mood","at":1,"good":true}` + "\n" + ends("a", "passed"),
			"a passed; not run: b c"},
		{"retried", start + retried, "a passed; not run: b c"},
	} {
		r, err := Read(strings.NewReader(tt.text))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := summary(r); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
		if tt.name == "retried" && (len(r.Cases[0].Said) != 1 || r.Cases[0].Said[0].Text != "first" || r.Flaky() != 1 ||
			r.Count(Passed) != 0) {
			t.Errorf("%s: it says %v, %d flaky", tt.name, r.Cases[0].Said, r.Flaky())
		}
	}
	for text, want := range map[string]string{
		start + ends("a", "splendid"): `case "a" ends as "splendid", which is no verdict`,
		"":                            "does not begin with a start", "x\n": "line 1 is no event",
		strings.Replace(start, `"version":1`, `"version":9`, 1):                                                            "its version is 9",
		start + ends("a", "passed") + ends("a", "passed"):                                                                  "begins twice",
		start + `{"event":"end","at":1,"case":"z","verdict":"passed","word":"w","seconds":0,"packets":0,"tries":1}` + "\n": "never began",
	} {
		if _, err := Read(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func TestMerge(t *testing.T) {
	shard := func(n, cases string, text string) *Run {
		s := strings.Replace(start, `"cases":["a","b","c"]`, `"shard":"`+n+`","all":["a","b","c"],"cases":[`+cases+`]`, 1)
		r, err := Read(strings.NewReader(s + text + `{"event":"finish","at":9,"took":9}` + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, two := shard("1/2", `"b"`, ends("b", "failed")), shard("2/2", `"a","c"`, ends("c", "passed")+ends("a", "passed"))
	r, err := Merge([]*Run{two, one})
	if err != nil || summary(r) != "a passed, b failed, c passed; not run: " {
		t.Errorf("got %v, %v", r, err)
	}
	if r, err = Merge([]*Run{one, shard("2/2", `"a"`, ends("a", "passed"))}); err == nil ||
		!strings.Contains(err.Error(), "none of the shards") || summary(r) != "a passed, b failed; not run: c" {
		t.Errorf("with one missing: %v", err)
	}
	if _, err = Merge([]*Run{one, one}); err == nil || !strings.Contains(err.Error(), "more than one") {
		t.Errorf("with one twice: %v", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(start + ends("a", "passed"))
	f.Add(start + `{"event":"say","case":"a","kind":"up"}`)
	f.Fuzz(func(_ *testing.T, text string) {
		if r, err := Read(strings.NewReader(text)); err == nil {
			_ = summary(r)
			_, _ = Merge([]*Run{r, r}) // must not panic
		}
	})
}
