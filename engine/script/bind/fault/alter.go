//go:build linux

package fault

import (
	"netrepro/engine/lab/fault"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/forging"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var (
	kChecksum = args.Enum("fate of checksums", "mended", "kept")
	kLayer    = args.Enum("layer", "frame", "ip", "transport", "payload")
	kByte     = args.Int("byte", 0, 65535, "the first byte is number 0")
	kXOR      = args.Int("byte", 1, 255, "1 to 255, as 0x01 for the last bit")
	kBytes    = args.Int("size", 1, 65535, "a whole number of bytes")
)

// alterVerbs are the faults that change what arrives.
var alterVerbs = []*vm.Method{corruptVerb, truncateVerb, rewriteVerb, replaceVerb}

// corrupted are the arguments of corrupt.
type corrupted struct {
	layer    *string
	at       *int
	xor      int
	checksum string
}

var corruptVerb = faultVerb(vm.Method{Name: "corrupt", Doc: "Flips bits of the packets that match. The " +
	"checksums stay, so that the receiver notices, unless you ask to mend them.",
	Example: `net.wan:corrupt { from = net.server, tcp = "data", nth = 2, byte = 10 }`},
	func(a *corrupted) []vm.Argument {
		return []vm.Argument{
			kLayer.Maybe(&a.layer, "layer", "where bytes are counted from: the payload by default. If a "+
				"packet has no payload and you name no byte, the header before it"),
			kByte.Maybe(&a.at, "byte", "which byte, from 0; by default drawn from the case's seed"),
			kXOR.Opt(&a.xor, "xor", "which of its bits are flipped; by default one, drawn from the seed"),
			kChecksum.Def(&a.checksum, "checksum", `"kept"`, "whether checksums are made to fit"),
		}
	},
	func(c *vm.Call, a *corrupted, _ *common) (fault.Action, error) {
		layer := ""
		if a.at != nil {
			layer = "payload"
		}
		return &fault.Corrupt{Layer: vm.Or(a.layer, layer), At: vm.Or(a.at, -1), XOR: byte(a.xor),
			Mend: a.checksum == "mended", RNG: session.Of(c).RNG()}, nil
	})

// truncated are the arguments of truncate.
type truncated struct {
	to       int
	checksum string
}

var truncateVerb = faultVerb(vm.Method{Name: "truncate", Doc: "Cuts the packets that match short. Their " +
	"lengths and checksums still tell of the whole packet, unless you ask to mend them.",
	Example: `net.wan:truncate { bytes = 100, from = net.server, tcp = "data", nth = 2 }`},
	func(a *truncated) []vm.Argument {
		return []vm.Argument{
			kBytes.Need(&a.to, "bytes", "of the IP packet that are left"),
			kChecksum.Def(&a.checksum, "checksum", `"kept"`, "whether lengths and checksums are made to fit"),
		}
	},
	func(_ *vm.Call, a *truncated, _ *common) (fault.Action, error) {
		return &fault.Truncate{To: a.to, Mend: a.checksum == "mended"}, nil
	})

// rewritten are the arguments of rewrite.
type rewritten struct {
	set      *fault.Rewrite
	checksum string
}

var rewriteVerb = faultVerb(vm.Method{Name: "rewrite",
	Doc:     "Changes header fields of the packets that match, and mends their checksums.",
	Example: `net.wan:rewrite { from = net.client, tcp = "syn", set = { mss = 1200, wscale = false, ttl = "-1" } }`},
	func(a *rewritten) []vm.Argument {
		return []vm.Argument{
			forging.KSettings.Need(&a.set, "set",
				`fields and what they become: a value, "+1" or "-1" to add, false to take a TCP option away`),
			kChecksum.Def(&a.checksum, "checksum", `"mended"`, "whether checksums are made to fit"),
		}
	},
	func(c *vm.Call, a *rewritten, all *common) (fault.Action, error) {
		r := *a.set
		r.Keep = a.checksum == "kept"
		m := matching.Asked(c, all.match)
		for _, s := range r.Settings {
			if err := m.Bears(s.Field); err != nil {
				return nil, c.Fail(s.Field.Name, "match packets that have it", "rewrite cannot apply: %v", err)
			}
		}
		return &r, nil
	})

// replaced are the arguments of replace.
type replaced struct{ with, ip *string }

var replaceVerb = faultVerb(vm.Method{Name: "replace", Doc: "Replaces the packets that match: by one with " +
	"another payload, or by other bytes altogether.",
	Example: `net.wan:replace { from = net.server, http = "HTTP/1.1 200", with = "HTTP/1.1 500 no\r\n\r\n" }`},
	func(a *replaced) []vm.Argument {
		return []vm.Argument{
			args.String.Maybe(&a.with, "with", "what the payload becomes; lengths and checksums are made to fit"),
			args.String.Maybe(&a.ip, "ip", "what the IP packet becomes, header and all, as it is given"),
		}
	},
	func(c *vm.Call, a *replaced, _ *common) (fault.Action, error) {
		if (a.with != nil) == (a.ip != nil) {
			return nil, c.Fail("replace", `write with = "payload", or ip = hex "45 …"`,
				"replace takes one of with and ip")
		}
		if a.with != nil {
			b := []byte(*a.with)
			return &fault.Rewrite{Payload: &b}, nil
		}
		ip := *a.ip
		if v := header.Version([]byte(ip)); v != 4 && v != 6 {
			return nil, c.Fail("ip", `it begins with its version: hex "45 …"`, "these bytes are no IP packet")
		}
		return &fault.Replace{IP: []byte(ip)}, nil
	})
