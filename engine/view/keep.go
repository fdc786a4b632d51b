package view

import (
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// Keep copies what r refers to, so that it outlives the next packet.
func Keep(r *tcp.Record) *tcp.Record {
	k := *r
	k.Packet, k.Payload, k.Frame = packet.Clone(r.Packet), nil, nil
	k.App = slices.Clone(r.App)
	return &k
}
