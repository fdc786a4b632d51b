package sanitize

import "testing"

func TestCommand(t *testing.T) {
	for _, c := range []struct {
		words []string
		want  string
	}{
		{[]string{"netrepro", "run", "a/b.lua", "x/y"}, "netrepro run a/b.lua x/y"},
		{[]string{"run", "my case.lua"}, "run 'my case.lua'"},
		{[]string{"it's", "", "$(reboot)"}, `'it'\''s' '' '$(reboot)'`},
		{[]string{"a\x1b[2J"}, "'a\ufffd[2J'"},
	} {
		if got := Command(c.words...); got != c.want {
			t.Errorf("%q: %s, want %s", c.words, got, c.want)
		}
	}
}
