package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"netrepro/engine/anonymize"
)

func anonymizeCommand(e env) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "anonymize FILE -o FILE",
		Short: "Write a capture that may be shown: without addresses, names and payload",
		Long: `Write a capture that may be shown.

FILE is pcap, pcapng, gzip of these, or the text that tcpdump prints; - is
standard input. A capture becomes pcapng; text stays text, and lines that tell of
no packet are left empty. -o - is standard output.

Other addresses, MAC addresses, names and bytes stand in for those of the capture,
the same for the same:
  addresses   of documentation; private, link-local and multicast ones stay so,
              and those of one /24 or /64 stay together
  names       of DNS, TLS (SNI), HTTP and of the capture itself, label by label
  payload     letters. What TLS, HTTP and DNS need to be understood stays: kinds
              of messages, alerts, methods, status, lengths
What the network did stays: ports, flags, sequence numbers, lengths, times, TCP
options, and whether a checksum is right. So trace finds in it what it found in the
original. Names of interfaces, comments, options and TLS keys are left out, but for
what netrepro itself wrote. What is not understood is replaced as a whole.

What stands in is drawn anew in each run: two captures of one incident do not fit
together. Ports, times, sizes and the order of packets are as they were, and may
tell something to whoever knows the network.

A capture that ends in the middle of a record is written up to there, and ends with
2. After any other mistake the file is what it was before.

Exit codes: 0 written, 2 not a capture, damaged, could not be written, or a mistake
in a flag.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("anonymize: say where to with -o: a file, or - for standard output")
			}
			if out == "-" && e.terminal {
				return errors.New("anonymize: a terminal shows no capture: name a file with -o")
			}
			return untilEnded(cmd.Context(), func(ctx context.Context) error {
				return anonymize.File(ctx, args[0], out, e.bytes(), e.err)
			})
		},
	}
	c.Flags().StringVarP(&out, "output", "o", "", "write to this file; - is standard output")
	return c
}
