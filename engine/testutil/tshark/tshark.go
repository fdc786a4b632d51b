// Package tshark holds the analysis to tshark's, for tests.
//
// It is not part of the program.
package tshark

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"

	"netrepro/engine/capture"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/wireshark"
)

// Result is what a comparison found.
type Result struct {
	Packets     int // TCP segments
	SameSet     int // with the same set of flags
	Flags       int // flags that either side set
	SameFlags   int // flags that both set
	Differences []Difference
	// Complaint is what tshark found wrong with the file, empty for nothing.
	Complaint string
}

// Difference is a packet of which tshark says something else.
type Difference struct {
	Flags   wireshark.Flags // that one side set and the other did not
	Numbers bool            // its sequence or acknowledgement number is another
	text    string
}

// String says where it is and what both say.
func (d Difference) String() string { return d.text }

// Add adds the counts of o. The first complaint stays.
func (r *Result) Add(o Result) {
	r.Packets += o.Packets
	r.SameSet += o.SameSet
	r.Flags += o.Flags
	r.SameFlags += o.SameFlags
	r.Differences = append(r.Differences, o.Differences...)
	r.Complaint = cmp.Or(r.Complaint, o.Complaint)
}

// String sums r up in a line.
func (r Result) String() string {
	return fmt.Sprintf("%d of %d packets with the same set of flags, %d of %d flags agreed",
		r.SameSet, r.Packets, r.SameFlags, r.Flags)
}

// line is what one program says of a packet.
type line struct {
	seq, ack string
	flags    wireshark.Flags
}

// Compare reads the capture at path with both.
func Compare(path string) (Result, error) {
	var res Result
	theirs, said, err := tshark(path)
	if err != nil {
		return res, err
	}
	res.Complaint = said
	ours, err := own(path)
	if err != nil {
		return res, err
	}
	for n, t := range theirs {
		o := ours[n]
		res.Packets++
		if o.flags == t.flags {
			res.SameSet++
		}
		res.Flags += len((o.flags | t.flags).Names())
		res.SameFlags += len((o.flags & t.flags).Names())
		if o != t {
			res.Differences = append(res.Differences, Difference{
				Flags:   o.flags ^ t.flags,
				Numbers: o.seq != t.seq || o.ack != t.ack,
				text: fmt.Sprintf("%s frame %d: tshark %s,%s %v, here %s,%s %v",
					path, n, t.seq, t.ack, t.flags.Names(), o.seq, o.ack, o.flags.Names()),
			})
		}
	}
	return res, nil
}

// asRoot is what tshark says of whoever calls it.
const asRoot = `Running as user "root" and group "root". This could be dangerous.`

// tshark is what tshark says of each packet, and of the file.
func tshark(path string) (map[int]line, string, error) {
	args := []string{"-r", path, "-T", "fields"}
	for _, n := range []string{"frame.number", "tcp.seq", "tcp.ack", "icmp.type", "icmpv6.type"} {
		args = append(args, "-e", n)
	}
	for _, n := range wireshark.All.Names() {
		args = append(args, "-e", "tcp.analysis."+n)
	}
	c := exec.Command("tshark", args...)
	var errs bytes.Buffer
	c.Stderr = &errs
	out, err := c.Output()
	// A capture cut short is an error to both; what came before counts.
	if err != nil && len(out) == 0 {
		return nil, "", fmt.Errorf("tshark -r %s: %w: %s", path, err, errs.String())
	}
	said := strings.TrimSpace(strings.ReplaceAll(errs.String(), asRoot, ""))
	if err != nil {
		said = strings.TrimSpace(said + " " + err.Error())
	}
	lines := map[int]line{}
	for l := range strings.Lines(string(out)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		n, err := strconv.Atoi(f[0])
		if err != nil {
			return nil, "", fmt.Errorf("tshark -r %s printed %q", path, l)
		}
		if f[1] == "" || f[3] != "" || f[4] != "" { // no TCP, or quoted in ICMP
			continue
		}
		var flags wireshark.Flags
		for i, v := range f[5:] {
			if v != "" {
				flags |= 1 << i
			}
		}
		lines[n] = line{f[1], f[2], flags}
	}
	return lines, said, nil
}

func own(path string) (map[int]line, error) {
	s, err := capture.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // it was only read
	lines := map[int]line{}
	a := tcp.New(tcp.Options{})
	var in tcp.Input
	var r tcp.Record
	for {
		if err := s.Next(&in); err != nil {
			if errors.Is(err, io.EOF) || len(lines) > 0 {
				return lines, nil
			}
			return nil, err
		}
		a.Add(&in, &r)
		if r.Conn != nil {
			lines[in.N] = line{strconv.FormatUint(uint64(r.Seq), 10), strconv.FormatUint(uint64(r.Ack), 10), r.Flags}
		}
	}
}
