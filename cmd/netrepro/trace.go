package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"netrepro/engine/analysis"
	"netrepro/engine/capture"
	"netrepro/engine/view"
)

func traceCommand(e env) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "trace FILE",
		Short: "Show a capture: pcap, pcapng, gzip of these, or tcpdump's text; - is standard input",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := capture.Open(args[0])
			if err != nil {
				return err
			}
			defer s.Close() //nolint:errcheck // it was only read
			w := bufio.NewWriterSize(e.out, 1<<20)
			err = traceJSON(s, w)
			return errors.Join(err, w.Flush())
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a packet")
	return c
}

func traceJSON(s *capture.Source, w *bufio.Writer) error {
	a := analysis.New(analysis.Options{})
	var in analysis.Input
	var r analysis.Record
	var line []byte
	for {
		err := s.Next(&in)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("after frame %d: %w", in.N, err)
		}
		a.Add(&in, &r)
		line = view.AppendJSON(line[:0], &r)
		if _, err := w.Write(line); err != nil {
			return err
		}
	}
}
