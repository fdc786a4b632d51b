package page

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"netrepro/engine/report/page/pack"
)

// plainSize is up to what size the data of a page are written as they are. Larger ones are
// packed and compressed: a page of many packets is sent around too, and has to open at once.
const plainSize = 1 << 20

// objects are objects of JSON: as they are, or packed if they are many.
type objects struct {
	plain [][]byte
	size  int
	table pack.Table
}

func (o *objects) len() int { return len(o.plain) + o.table.Len() }

func (o *objects) add(object []byte) error {
	if o.table.Len() > 0 {
		return o.table.Add(object)
	}
	o.plain = append(o.plain, object)
	if o.size += len(object); o.size > plainSize {
		return o.pack()
	}
	return nil
}

// pack leaves none of them as they are.
func (o *objects) pack() error {
	for _, x := range o.plain {
		if err := o.table.Add(x); err != nil {
			return err
		}
	}
	o.plain = nil
	return nil
}

// isLarge reports whether the packets of a page are too many to be written as they are.
func (d *Document) isLarge() bool {
	size := 0
	for i := range d.Captures {
		c := &d.Captures[i]
		if c.packets.table.Len() > 0 || c.rows.table.Len() > 0 {
			return true
		}
		size += c.packets.size + c.rows.size
	}
	return size > plainSize
}

// writePacked writes the structure with its packets and rows packed: how long the text is
// that describes them, in four bytes, the lowest first; that text; and from the next multiple
// of eight on, the bytes of the columns. README.md describes these.
func (d *Document) writePacked(to io.Writer) error {
	var w pack.Writer
	for i := range d.Captures {
		c := &d.Captures[i]
		if err := errors.Join(c.packets.pack(), c.rows.pack()); err != nil {
			return err
		}
	}
	head, err := d.describe(func(o *objects) ([]byte, error) { return json.Marshal(o.table.Pack(&w)) })
	if err != nil {
		return fmt.Errorf("write data of the page: %w", err)
	}
	text := bytes.Join(head, nil)
	start := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	parts := [][]byte{start, text, make([]byte, (8-(len(start)+len(text))%8)%8)}
	for _, p := range append(parts, w.Parts()...) {
		if _, err := to.Write(p); err != nil {
			return err
		}
	}
	return nil
}

// describe is the structure in parts, with what inside writes of packets and rows.
func (d *Document) describe(inside func(*objects) ([]byte, error)) ([][]byte, error) {
	head := *d
	head.Captures = nil
	text, err := json.Marshal(&head)
	if err != nil {
		return nil, err
	}
	parts := [][]byte{bytes.Replace(text, []byte(`"captures":null}`), []byte(`"captures":[`), 1)}
	for i := range d.Captures {
		c := &d.Captures[i]
		text, err := json.Marshal(c)
		packets, wrong := inside(&c.packets)
		rows, bad := inside(&c.rows)
		if err := errors.Join(err, wrong, bad); err != nil {
			return nil, err
		}
		if i > 0 {
			parts = append(parts, []byte(","))
		}
		parts = append(parts, text[:len(text)-1], []byte(`,"packets":`), packets, []byte(`,"rows":`), rows, []byte("}"))
	}
	return append(parts, []byte("]}")), nil
}

// listed are the objects as an array.
func (o *objects) listed() ([]byte, error) {
	return append(append([]byte("["), bytes.Join(o.plain, []byte(","))...), ']'), nil
}

// compressed writes data with gzip, in base64.
func compressed(to io.Writer, data func(io.Writer) error) error {
	encoded := base64.NewEncoder(base64.StdEncoding, to)
	z := gzip.NewWriter(encoded)
	return errors.Join(data(z), z.Close(), encoded.Close())
}
