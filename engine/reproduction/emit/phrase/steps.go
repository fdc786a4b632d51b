// Package phrase makes lines of Lua that can be written without knowing what stands around
// them: what a side does, what is expected, and what a connection was in a sentence.
package phrase

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netrepro/engine/reproduction"
)

// mostSteps bounds what is written of one side of a connection.
const mostSteps = 2000

// Sides are what the hosts are called.
var Sides = [2]string{"client", "server"}

// Steps are what a side does.
func Steps(f *reproduction.Flow, side int) (out []string) {
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	all := f.Steps[side]
	if len(all) > mostSteps {
		all = all[:mostSteps]
	}
	awaited := Awaited(f)
	for _, s := range all {
		if s.Kind == reproduction.Await && !awaited {
			continue
		}
		if s.Note != "" {
			note := s.Note
			if !strings.HasPrefix(note, "guess") && !strings.HasPrefix(note, "inferred") {
				note = "inferred: " + note
			}
			say("-- %s", note)
		}
		stalls := s.Cause && (s.Kind == reproduction.Take || s.Kind == reproduction.TakeEnd)
		if s.Pause > 0 {
			text := "sleep " + Quote(s.Pause)
			if stalls {
				text = "if bug then " + text + " end"
			}
			if s.Was > 0 {
				text += "  -- inferred: " + strings.Trim(Quote(s.Was), `"`) + ", shortened"
			}
			say("%s", text)
		}
		for _, l := range step(s, side) {
			say("%s", l)
		}
		if s.Kind == reproduction.Vanish && awaited {
			say("gone = true")
		}
	}
	if len(f.Steps[side]) > mostSteps {
		say("-- %d steps more are left out", len(f.Steps[side])-mostSteps)
	}
	return out
}

// Awaited reports that a side waits until the other has vanished: the variable gone says so.
func Awaited(f *reproduction.Flow) bool {
	has := func(side int, k reproduction.Kind) bool {
		return slices.ContainsFunc(f.Steps[side], func(s reproduction.Step) bool { return s.Kind == k })
	}
	return has(0, reproduction.Await) && has(1, reproduction.Vanish) ||
		has(1, reproduction.Await) && has(0, reproduction.Vanish)
}

// step writes one step.
func step(s reproduction.Step, side int) []string {
	switch s.Kind {
	case reproduction.Take:
		if s.Mended {
			return []string{fmt.Sprintf("if not bug then take(%d) end", s.Bytes)}
		}
		return []string{fmt.Sprintf("take(%d)", s.Bytes)}
	case reproduction.TakeEnd:
		return []string{"take(math.huge)"}
	case reproduction.Write:
		text := fmt.Sprintf("conn:write(%s)", Payload(s))
		if s.Cause {
			return []string{"if bug then " + text + " end"}
		}
		return []string{text}
	case reproduction.Await:
		return []string{`while not gone do sleep "5ms" end`}
	case reproduction.Readable:
		return []string{"conn:wait_readable()"}
	case reproduction.Shutdown:
		return []string{`conn:shutdown "write"`}
	case reproduction.Close:
		return []string{"conn:close()"}
	case reproduction.Linger:
		return closing("conn:set { linger = 0 }")
	case reproduction.Linger2:
		out := closing("conn:set { linger2 = -1 }")
		if s.Pause == 0 {
			return out // the FIN is on its way still
		}
		// Without the acknowledgement of the FIN it would be another reset.
		wait := fmt.Sprintf("must(net.trace:at(%s)):sequence { { from = %s, tcp = \"fin\" }, { from = %s, tcp = \"ack\" } }",
			Sides[side], Sides[side], Sides[1-side])
		return append([]string{wait}, out...)
	case reproduction.Unread:
		if s.Bytes == 0 {
			return closing("")
		}
		return closing("conn:wait_readable()  -- and leaves it unread")
	case reproduction.Abort:
		return []string{"if bug then conn:abort() else conn:shutdown \"write\" end"}
	case reproduction.Vanish:
		var heard []string
		if s.Bytes > 0 {
			heard = []string{fmt.Sprintf(
				`for _ = 1, 500 do if (conn.snd_una or 0) >= %d then break end sleep "5ms" end`, s.Bytes)}
		}
		if s.Seq == 1 {
			return append(heard, "if bug then", "  listener:close()", "  conn:vanish()", "end")
		}
		return append(heard, "if bug then conn:vanish() end")
	case reproduction.Forge:
		seq := ""
		if s.Seq >= 0 {
			seq = fmt.Sprintf(", seq = %d", s.Seq)
		}
		if s.Bytes > 0 {
			seq += fmt.Sprintf(", payload = filler(%d)", s.Bytes)
		}
		if strings.HasPrefix(s.Note, "guess") && s.Bytes == 0 {
			seq += ", win = 0, timestamps = false" // as a kernel resets
		}
		return []string{fmt.Sprintf("if bug then net.wan:inject { conn = conn, toward = %s, flags = %q%s } end",
			Sides[1-side], s.Flags, seq)}
	}
	return nil
}

// closing is a close that resets after what is done first; where that is not done, it
// leaves the other side its time.
func closing(first string) []string {
	if first == "" {
		return []string{"if bug then conn:close() else conn:shutdown \"write\" end"}
	}
	return []string{"if bug then", "  " + first, "  conn:close()", "else", `  conn:shutdown "write"`, "end"}
}

// Payload is what a write writes.
func Payload(s reproduction.Step) string {
	if s.Data == nil {
		return fmt.Sprintf("filler(%d)", s.Bytes)
	}
	const most = 80
	var parts []string
	for c := range slices.Chunk(s.Data, most) {
		parts = append(parts, lua(c))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "table.concat { " + strings.Join(parts, ", ") + " }"
}

// lua is a string of the language.
func lua(b []byte) string {
	var s strings.Builder
	s.WriteByte('"')
	for _, c := range b {
		switch {
		case c == '\r':
			s.WriteString(`\r`)
		case c == '\n':
			s.WriteString(`\n`)
		case c == '"' || c == '\\':
			s.WriteByte('\\')
			s.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&s, `\%03d`, c)
		default:
			s.WriteByte(c)
		}
	}
	s.WriteByte('"')
	return s.String()
}

const (
	// longestBlock is how many lines may be repeated together, least how often they
	// must be to become a loop.
	longestBlock = 8
	least        = 3
)

// Fold makes loops of lines that come again and again.
func Fold(lines []string) (out []string) {
	for i := 0; i < len(lines); {
		block, n := 1, 1
		for b := 1; b <= longestBlock && i+b <= len(lines); b++ {
			c := 1
			for i+(c+1)*b <= len(lines) && slices.Equal(lines[i:i+b], lines[i+c*b:i+(c+1)*b]) {
				c++
			}
			if c >= least && c*b > n*block {
				block, n = b, c
			}
		}
		if n < least || balance(lines[i:i+block]) != 0 {
			out = append(out, lines[i])
			i++
			continue
		}
		out = append(out, fmt.Sprintf("for _ = 1, %d do", n))
		for _, l := range lines[i : i+block] {
			out = append(out, "  "+l)
		}
		out = append(out, "end")
		i += n * block
	}
	return out
}

// balance is 0 if a block opens what it closes.
func balance(lines []string) (n int) {
	for _, l := range lines {
		switch l {
		case "if bug then":
			n++
		case "end":
			n--
		}
	}
	return n
}

// Quote is a time as scripts write it.
func Quote(d time.Duration) string {
	switch {
	case d%time.Second == 0:
		return fmt.Sprintf("\"%ds\"", d/time.Second)
	case d%time.Millisecond == 0:
		return fmt.Sprintf("\"%dms\"", d/time.Millisecond)
	}
	return fmt.Sprintf("\"%dus\"", d/time.Microsecond)
}
