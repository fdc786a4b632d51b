package pack

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
)

// Kinds of column. One that has numbers becomes one of words, and one of words one of texts,
// when a value comes that it cannot have.
const (
	kindNumber = iota
	kindWord
	kindText
	kindBytes
	kindTuple
)

// Decimals are written in parts of a billion: times have nine digits. No number is larger
// than JavaScript can count exactly.
const (
	billion  = 1_000_000_000
	mostOf   = 1<<53 - 1
	mostDigs = 9
)

// mostWords is how many different words a column has before it is tried whether they differ
// in numbers alone.
const mostWords = 1024

// column is the values of one member.
type column struct {
	key     string
	kind    int
	per     int64 // of numbers
	v       vector
	words   []string // JSON, or texts with holes
	known   map[string]int
	more    vector // numbers of texts
	bytes   []byte
	inner   []*column // of a tuple
	scratch []int64
}

// fill adds values that mean nothing, for objects without such a member.
func (c *column) fill(n int) {
	if c.v.n >= n {
		return
	}
	for _, x := range c.inner {
		x.fill(n)
	}
	for c.v.n < n {
		switch c.kind {
		case kindText: // a text without numbers
			c.v.push(int64(c.word("")))
		case kindBytes, kindTuple:
			c.v.push(0)
		default:
			c.v.push(max(c.v.last, 0))
		}
	}
}

func (c *column) add(value []byte) error {
	switch c.kind {
	case kindNumber:
		if c.number(value) {
			return nil
		}
		c.toWords()
		fallthrough
	case kindWord:
		c.v.push(int64(c.word(string(value))))
		if len(c.words) > mostWords {
			c.toTexts()
		}
	case kindText:
		c.text(string(value))
	case kindBytes:
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			return err
		}
		b, err := base64.StdEncoding.AppendDecode(c.bytes, []byte(text))
		if err != nil {
			return err
		}
		c.v.push(int64(len(b) - len(c.bytes)))
		c.bytes = b
	case kindTuple:
		i, first := 0, c.inner == nil
		wrong := c.elements(value, func(v []byte) error {
			if first {
				c.inner = append(c.inner, &column{})
				c.inner[i].fill(c.v.n)
			}
			if i == len(c.inner) {
				return fmt.Errorf("an array is longer than those before")
			}
			i++
			return c.inner[i-1].add(v)
		})
		if wrong == nil && i != len(c.inner) {
			wrong = fmt.Errorf("an array is shorter than those before")
		}
		c.v.push(0)
		return wrong
	}
	return nil
}

// elements calls each with the elements of an array.
func (c *column) elements(array []byte, each func([]byte) error) (wrong error) {
	rest := bytes.TrimSuffix(bytes.TrimPrefix(array, []byte("[")), []byte("]"))
	for len(rest) > 0 && wrong == nil {
		n := valueEnd(rest)
		if n <= 0 {
			return fmt.Errorf("%q is no array", array)
		}
		wrong = each(rest[:n])
		rest = rest[min(n+1, len(rest)):]
	}
	return wrong
}

// number adds a number, if value is one that the column can have.
func (c *column) number(value []byte) bool {
	if string(value) == "null" && c.key == "" { // only elements of tuples can be null
		c.v.push(null)
		return true
	}
	v, decimal, ok := readNumber(value)
	if !ok {
		return false
	}
	if decimal && c.per == 0 && !c.v.scale(billion) {
		return false
	}
	if decimal {
		c.per = billion
	} else if c.per > 0 {
		if v > mostOf/billion || v < -mostOf/billion {
			return false
		}
		v *= billion
	}
	c.v.push(v)
	return true
}

// readNumber reads an integer, or a decimal in parts of a billion.
func readNumber(b []byte) (v int64, decimal, ok bool) {
	whole, part, decimal := bytes.Cut(b, []byte("."))
	digits := bytes.TrimPrefix(whole, []byte("-"))
	if len(digits) == 0 || len(digits) > 15 || len(part) > mostDigs || string(b) == "-0" {
		return 0, false, false
	}
	v, err := strconv.ParseInt(string(digits), 10, 64)
	if err != nil || digits[0] == '+' {
		return 0, false, false
	}
	if decimal {
		if v > mostOf/billion-1 || len(part) == 0 || part[0] == '+' || part[0] == '-' {
			return 0, false, false
		}
		p, err := strconv.ParseInt(string(part), 10, 64)
		if err != nil {
			return 0, false, false
		}
		for range mostDigs - len(part) {
			p *= 10
		}
		v = v*billion + p
	}
	if len(digits) < len(whole) {
		v = -v
	}
	return v, decimal, true
}

// toWords makes a column of numbers one of words.
func (c *column) toWords() {
	old := c.v
	c.kind, c.v = kindWord, vector{}
	for i := range old.n {
		v := old.at(i)
		text := strconv.FormatInt(v, 10)
		if v == null {
			text = "null"
		} else if c.per > 0 {
			sign := ""
			if v < 0 {
				sign, v = "-", -v
			}
			text = fmt.Sprintf("%s%d.%09d", sign, v/billion, v%billion)
		}
		c.v.push(int64(c.word(text)))
	}
	c.per = 0
}

// toTexts makes a column of words one of texts.
func (c *column) toTexts() {
	old, words := c.v, c.words
	c.kind, c.v, c.words, c.known = kindText, vector{}, nil, nil
	for i := range old.n {
		c.text(words[old.at(i)])
	}
}

// word is the number of a word.
func (c *column) word(text string) int {
	n, ok := c.known[text]
	if !ok {
		if c.known == nil {
			c.known = map[string]int{}
		}
		n = len(c.words)
		c.known[text] = n
		c.words = append(c.words, text)
	}
	return n
}

// text adds a text: which it is without its numbers, and these.
func (c *column) text(text string) {
	hollow := make([]byte, 0, len(text))
	c.scratch = c.scratch[:0]
	for i := 0; i < len(text); {
		n := 0
		for i+n < len(text) && text[i+n] >= '0' && text[i+n] <= '9' {
			n++
		}
		switch {
		case n == 0:
			hollow = append(hollow, text[i])
			n = 1
		case n > mostDigs || text[i] == '0' && n > 1:
			hollow = append(hollow, text[i:i+n]...)
		default:
			v, _ := strconv.ParseInt(text[i:i+n], 10, 64) // nine digits
			c.scratch = append(c.scratch, v)
			hollow = append(hollow, 0)
		}
		i += n
	}
	c.v.push(int64(c.word(string(hollow))))
	for _, v := range c.scratch {
		c.more.push(v)
	}
}

// pack writes the column.
func (c *column) pack(w *Writer) Column {
	out := Column{Key: c.key, Per: c.per}
	if c.kind != kindTuple {
		v := c.v.pack(w)
		out.Vector = &v
	}
	switch c.kind {
	case kindNumber:
		out.As = "number"
	case kindWord:
		out.As = "word"
		for _, word := range c.words {
			out.Words = append(out.Words, json.RawMessage(word))
		}
	case kindText:
		out.As, out.Texts = "text", c.words
		v := c.more.pack(w)
		out.More = &v
	case kindBytes:
		out.As = "bytes"
		out.More = &Vector{Count: len(c.bytes), At: w.add(c.bytes), Width: 1}
	case kindTuple:
		out.As = "tuple"
		for _, x := range c.inner {
			out.Columns = append(out.Columns, x.pack(w))
		}
	}
	return out
}
