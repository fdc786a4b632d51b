// Package pack writes many objects of JSON column by column: a member that is the same in all
// objects takes no room, numbers take as many bytes as the largest needs, and texts that
// differ in their numbers alone are written once.
//
// It knows nothing of what the objects mean. The script of a page reads what it writes, each
// value when it is asked for. Invariant: what is read is what was written, member for member;
// of numbers and texts the value, not how it was spelt.
package pack

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Table is objects that are packed.
type Table struct {
	// Bytes are members whose texts are bytes in base64, Tuples those whose arrays have a
	// column for each element.
	Bytes, Tuples []string

	count   int
	shapes  map[string]int // which members, in their order, by these
	keys    [][]string
	shape   vector
	columns map[string]*column
	order   []*column
	err     error
}

// Add adds an object of JSON.
func (t *Table) Add(object []byte) error {
	if t.shapes == nil {
		t.shapes, t.columns = map[string]int{}, map[string]*column{}
	}
	keys := []string{}
	ok := members(object, func(key string, value []byte) {
		keys = append(keys, key)
		c := t.columns[key]
		if c == nil {
			c = t.newColumn(key)
			t.columns[key] = c
			t.order = append(t.order, c)
		}
		c.fill(t.count)
		t.err = errors.Join(t.err, c.add(value))
	})
	if !ok || t.err != nil {
		return errors.Join(fmt.Errorf("object %d cannot be packed", t.count), t.err)
	}
	all := strings.Join(keys, "\x00")
	shape, known := t.shapes[all]
	if !known {
		shape = len(t.keys)
		t.shapes[all] = shape
		t.keys = append(t.keys, keys)
	}
	t.shape.push(int64(shape))
	t.count++
	return nil
}

// Len is how many objects there are.
func (t *Table) Len() int { return t.count }

func (t *Table) newColumn(key string) *column {
	c := &column{key: key}
	switch {
	case slices.Contains(t.Bytes, key):
		c.kind = kindBytes
	case slices.Contains(t.Tuples, key):
		c.kind = kindTuple
	}
	return c
}

// Packed describes a table to who reads it.
type Packed struct {
	Count   int        `json:"count"`
	Shapes  [][]string `json:"shapes"` // members of objects, in their order
	Shape   Vector     `json:"shape"`  // which of these an object has
	Columns []Column   `json:"columns"`
}

// Column describes a column. It has a value for each object; that of an object which has no
// such member means nothing.
type Column struct {
	Key string `json:"key,omitempty"`
	// As says how a value is read: "number", "word" (one of Words), "text" (one of Words,
	// with numbers for each character 0 in it), "bytes", "tuple".
	As      string            `json:"as"`
	Vector  *Vector           `json:"vector,omitempty"`
	Per     int64             `json:"per,omitempty"` // what numbers are divided by
	Words   []json.RawMessage `json:"words,omitempty"`
	Texts   []string          `json:"texts,omitempty"`
	More    *Vector           `json:"more,omitempty"` // numbers of texts, or bytes, one after the other
	Columns []Column          `json:"columns,omitempty"`
}

// Vector describes numbers that stand in the bytes of a [Writer].
type Vector struct {
	Count int     `json:"count"`
	At    int     `json:"at"`
	Width int     `json:"width"` // bytes a number: 0, 1, 2, 4, or 8 for floats of 64 bits
	Base  float64 `json:"base"`  // is added to each; if there is none, all are this
	// Step says that numbers are how much more each is than the one before. First is the
	// first one, whatever stands in its place.
	Step  bool    `json:"step,omitempty"`
	First float64 `json:"first,omitempty"`
	Null  bool    `json:"null,omitempty"` // 0 is null, and 1 is Base
}

// Pack writes the columns into w.
func (t *Table) Pack(w *Writer) Packed {
	p := Packed{Count: t.count, Shapes: t.keys, Shape: t.shape.pack(w), Columns: []Column{}}
	if p.Shapes == nil {
		p.Shapes = [][]string{}
	}
	for _, c := range t.order {
		c.fill(t.count)
		p.Columns = append(p.Columns, c.pack(w))
	}
	return p
}

// Writer gathers the bytes of columns.
type Writer struct {
	parts [][]byte
	size  int
}

// add puts bytes where a number of eight bytes may begin.
func (w *Writer) add(b []byte) int {
	at := w.size
	w.parts = append(w.parts, b)
	w.size += len(b)
	if odd := w.size % 8; odd > 0 {
		w.parts = append(w.parts, make([]byte, 8-odd))
		w.size += 8 - odd
	}
	return at
}

// Parts are the bytes, in order.
func (w *Writer) Parts() [][]byte { return w.parts }
