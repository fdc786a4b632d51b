package anonymize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"netrepro/engine/anonymize/frame"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
)

// copier writes a capture file anew.
type copier struct {
	in     *pcap.Reader
	w      io.Writer
	names  *Map
	frames *frame.Frames

	enc     pcap.Encoder
	out     []byte
	data    []byte
	ifaces  int // of the file's interfaces and names, how many are written
	hosts   int
	n       int
	unknown int
	link    pcap.LinkType // one that is not decoded
	last    int64
}

func newCopier(m *Map, in *pcap.Reader, w io.Writer) *copier {
	return &copier{in: in, w: w, names: m, frames: frame.New(m)}
}

// about is what the file says of itself.
const about = "made to be shown: other addresses, names and bytes stand in for those that were captured"

// optFCSLength is the one option of an interface that stays: how many bytes of checksum
// end a frame.
const optFCSLength = 13

func (c *copier) run(ctx context.Context) error {
	c.out = c.enc.Section(c.out, about, "", "netrepro")
	var f pcap.Frame
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := c.in.Next(&f)
		c.describe()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			if c.in.Lost > 0 && c.ifaces > 0 {
				c.out = c.enc.Statistics(c.out, 0, time.Unix(0, c.last), c.in.Lost)
			}
			return errors.Join(err, c.flush())
		}
		c.n++
		c.frame(&f)
		if err := c.flush(); err != nil {
			return err
		}
	}
}

func (c *copier) flush() error {
	_, err := c.w.Write(c.out)
	c.out = c.out[:0]
	if err != nil {
		return fmt.Errorf("write capture: %w", err)
	}
	return nil
}

// describe writes the interfaces and names that the file has told of since.
func (c *copier) describe() {
	for ; c.ifaces < len(c.in.Interfaces); c.ifaces++ {
		i := c.in.Interfaces[c.ifaces]
		to := pcap.Interface{Name: fmt.Sprintf("if%d", c.ifaces), Link: i.Link, SnapLen: i.SnapLen}
		// So the engine calls the wires of a host, whose name has addresses.
		if host, _, ok := strings.Cut(i.Name, "/"); ok {
			to.Name = c.names.Name(host) + "/" + to.Name
		}
		if i.MAC != [6]byte{} {
			to.MAC = c.names.MAC(i.MAC)
		}
		for _, o := range i.Options {
			if o.Code == optFCSLength && len(o.Value) == 1 {
				to.Options = append(to.Options, o)
			}
		}
		c.out = c.enc.Interface(c.out, to)
	}
	if names := c.in.Names[c.hosts:]; len(names) > 0 {
		c.hosts += len(names)
		to := make([]pcap.Name, len(names))
		for i, n := range names {
			to[i] = pcap.Name{Addr: c.names.Addr(n.Addr), Host: c.names.Name(n.Host)}
		}
		c.out = c.enc.Names(c.out, to)
	}
}

func (c *copier) frame(f *pcap.Frame) {
	c.data = append(c.data[:0], f.Data...)
	if !c.frames.Frame(packet.Link(f.Link), c.data, f.Length) {
		c.unknown++
		c.link = f.Link
	}
	to := pcap.Frame{Interface: f.Interface, Time: f.Time, Data: c.data, Length: f.Length, Direction: f.Direction,
		ID: f.ID, Comments: c.comments(f.Comments)}
	c.last = f.Time
	c.out = c.enc.Packet(c.out, &to)
}

// remarks are what the reader must know of the capture.
func (c *copier) remarks() (out []string) {
	if c.unknown > 0 {
		out = append(out, fmt.Sprintf("%d frames are of link type %d, which is not decoded: all of them is filler",
			c.unknown, c.link))
	}
	if c.n == 0 {
		out = append(out, "the capture has no packets")
	}
	return out
}
