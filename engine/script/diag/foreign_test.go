package diag

import (
	"errors"
	"strings"
	"testing"
)

// TestForeign holds what is said of scripts with what other languages write to its place and
// to what Lua writes.
func TestForeign(t *testing.T) {
	for _, tt := range []struct{ text, at, want string }{
		{"if a != 1 then end", "1:6", "Lua writes ~= for !="},
		{"if a !== 1 then end", "1:6", "Lua writes ~= for !=="},
		{"if a === 1 then end", "1:6", "Lua writes == for ==="},
		{"if a <> 1 then end", "1:6", "Lua writes ~= for <>"},
		{"if a && b then end", "1:6", "Lua writes and for &&"},
		{"local x = a ||\n  b", "1:13", "Lua writes or for ||"},
		{"if !a then end", "1:4", "Lua writes not for !"},
		{"n += 1", "1:3", "Lua has no +=: write n = n + 1"},
		{"n++", "1:2", "Lua has no ++"},
		{"n--\nlocal x = 1", "1:2", "-- begins a comment: write n = n - 1"},
		{"n -= 1", "1:3", "Lua has no -="},
		{"s ..= t", "1:3", "Lua has no ..="},
		{"local x = a ? 1 : 2", "1:13", "write c and a or b"},
		{"local x = a ?? 2", "1:13", "Lua writes or for ??"},
		{"local f = (x) => x", "1:15", "function(x) … end"},
		{"local f = x -> x", "1:13", "function(x) … end"},
		{"x := 1", "1:3", "write local x = …"},
		{"local x = 1 // a comment", "1:13", "a comment begins with --"},
		{"// a comment\nlocal x = 1", "1:1", "a comment begins with --"},
		{"# a comment\nlocal x = 1", "1:1", "a comment begins with --"},
		{"/* a\n b */\nlocal x = 1", "1:1", "a comment begins with --"},
		{"local x = 2 ** 3", "1:13", "Lua writes ^ for **"},
		{"local x = 1 << 3", "1:13", "no operators on bits"},
		{"if a then\n  f()\nelse if b then\n  g()\nend\nlocal x = 1", "3:6", "write elseif"},
		{"scenario \"t\" {\n  run = function(net)\n    if a then\n    else if b then\n    end\n  end,\n}", "4:10",
			"write elseif"},
		{"if a then\nelif b then\nend", "2:1", "Lua writes elseif"},
		{"while true do\n  if a then continue end\nend", "2:13", "Lua has no continue"},
		{"while true do\n  if a then\n    continue\n  end\nend", "3:5", "Lua has no continue"},
		{"if (a) {\n  f()\n}", "1:8", "write then in place of {"},
		{"while (a) {\n  f()\n}", "1:11", "write do in place of {"},
		{"if a:\n  f()", "1:5", "write then in place of :"},
		{"for x in list:\n  f()", "1:14", "write do in place of :"},
		{"for (i = 0; i < 3; i++) do end", "1:5", "write for i = 1, 3 do"},
		{"function f(x) {\n  g()\n}", "1:15", "a function has no braces"},
		{"def f(x):\n  g()", "1:1", "write local function f(x)"},
		{"const x = 1", "1:1", "write local x"},
		{"let x = 1", "1:1", "write local x"},
		{"var x = 1", "1:1", "write local x"},
		{"int x = 1", "1:1", "write local x"},
		{"import net", "1:1", "require"},
		{"if a = 1 then end", "1:6", "write == to compare"},
		{"if a\n  f()\nend", "1:5", "then is missing here"},
		{"while a\n  f()\nend", "1:8", "do is missing here"},
		{"for i = 1, 3\n  f()\nend", "1:13", "do is missing here"},
		{"local x = “hello”", "1:11", "“ is no sign of Lua: write \""},
		{"local x = ‘hello’", "1:11", "write '"},
		{"local x = `hello`", "1:11", "write \" or [["},
		{"local x\u00a0= 1", "1:8", "U+00A0 is no sign of Lua: write a space"},
		{"local x = 1 – 2", "1:13", "write -"},
		{"local größe = 1", "1:7", "a name has the letters a to z"},
		{"local got = net:client:fetch { from = site }", "1:17", "write net.client:fetch"},
		{"local got = net.client-1:fetch { from = site }", "1:17", `write net["client-1"]`},
		{"local client-1 = net.client", "1:13", "a name has letters, digits and _"},
		{"f { port: 80 }", "1:9", "in a table write port = …"},
		{"f { a = 1, port: 80 }", "1:16", "in a table write port = …"},
		{"f { \"port\": 80 }", "1:11", "in a table write port = …"},
		{"f { \"port\" = 80 }", "1:12", "in a table write port = …"},
		{"f { port => 80 }", "1:10", "in a table write key = value"},
		{"local x = [1, 2]", "1:11", "a list is { 1, 2, 3 }"},
		{"f { in = true }", "1:5", `write ["in"] = …`},
		{"f { out = true, end = 3 }", "1:17", `write ["end"] = …`},
		{"local x = a.end", "1:13", `write a["end"]`},
		{"expect(x):is_true\nlocal y = 1", "1:11", "a call is missing: write :is_true()"},
		{"f { delay = 20ms }", "1:13", `is a text: write "20ms"`},
		{"f { loss = 1% }", "1:13", `a percentage is a text`},
		{"f { addr = 10.0.0.1/24 }", "1:12", "is a text"},
		{"f { ip = 10.0.0.1 }", "1:10", "is a text"},
		{"print x", "1:1", "write print(x) to call it"},
		{"sleep 5", "1:1", "write sleep(5) to call it"},
		{"scenario \"t\" {\n  about = \"x\"\n  tags = { \"a\" },\n}", "2:14", "a comma is missing here"},
		{"scenario \"t\" {\n  function run(net)\n  end,\n}", "2:3", "in a table write run = function"},
		{"scenario \"t\" {\n  run = function(net)\n    if a then\n      f()\n  end,\n}", "3:5", "its end is missing"},
		{"scenario \"t\" {\n  run = function(net)\n    f()\n}", "2:9", "its end is missing"},
		{"scenario \"t\" {\n  run = function(net)\n    f({ a = 1 )\n  end,\n}", "3:7", "its } is missing"},
		{"scenario \"t\" {\n  run = function(net)\n  end,\n", "1:14", "its } is missing"},
		{"local x = 1\nend", "2:1", "end closes nothing"},
		{"local n = 1; n--\nf()", "1:15", "-- begins a comment"},
		{"for i = 0; i < 3; i++ do f() end", "1:10", "write for i = 1, 3 do"},
		{"while (true) { f() }", "1:14", "write do in place of {"},
		{"local s = 'it's'\nf()", "1:16", "the closing quote is missing"},
		{"return 1 f(2)", "1:1", "return is the last statement"},
		{"foo(1\nbar()", "1:6", ") is missing here"},
		{"scenario \"t\" {\n  run = function(net)\n    end\n    f()\n  end,\n}", "3:5", "one end too many"},
		{"local x = 'a", "1:11", "the closing quote is missing"},
		{"break_ = 1 @x", "1:12", "no decorators"},
		{"local x = $y", "1:11", "a name has no $"},
		{"\xff\xfel\x00o\x00", "", "save it as UTF-8"},
		{"l\x00o\x00c\x00a\x00l\x00", "", "save it as UTF-8"},
		{"\x0a\x0d\x0d\x0a\x1c\x00\x00\x00", "", "netrepro trace shows it"},
		{"\x7fELF\x02\x01\x01\x00\x00", "", "this is a program"},
		{"local x = 1\r-- a comment\rlocal y = !x", "3:11", "Lua writes not for !"},
	} {
		_, err := Parse("x.lua", tt.text)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%q: %v", tt.text, err)
			continue
		}
		if at := strings.TrimPrefix(strings.TrimPrefix(e.Pos(), "x.lua"), ":"); at != tt.at ||
			!strings.Contains(e.Render(), tt.want) {
			t.Errorf("%q: at %s, want %s %q:\n%s", tt.text, at, tt.at, tt.want, e.Render())
		}
	}
}
