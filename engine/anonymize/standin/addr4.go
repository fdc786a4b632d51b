package standin

import "encoding/binary"

// kind4 is a range of addresses that stay among themselves.
type kind4 uint8

const (
	public kind4 = iota
	private
	shared // RFC 6598
	linkLocal
	multicast
	kinds4
)

// addresses4 is what stands in for IPv4 addresses.
type addresses4 struct {
	nets  map[uint32]*net4 // by the first three bytes
	hosts map[[4]byte]byte // the last byte
	count [kinds4]uint32   // of nets
}

// net4 is what stands in for a /24.
type net4 struct {
	to   uint32 // its first three bytes
	last byte   // that was given out
}

// maxAddrs bounds how many addresses are remembered, maxNets how many networks.
const (
	maxAddrs = 1 << 17
	maxNets  = 1 << 16
)

// kindOf4 is the kind of an address; fixed ones stand for themselves: they name no
// one.
func kindOf4(a [4]byte) (kind kind4, fixed bool) {
	switch {
	case a == [4]byte{}, a[0] == 127, a == [4]byte{255, 255, 255, 255}:
		return public, true
	case a[0] == 10, a[0] == 172 && a[1]&0xf0 == 16, a[0] == 192 && a[1] == 168:
		return private, false
	case a[0] == 100 && a[1]&0xc0 == 64:
		return shared, false
	case a[0] == 169 && a[1] == 254:
		return linkLocal, false
	case a[0]&0xf0 == 224:
		// Groups of protocols, and that of SSDP.
		return multicast, a[0] == 224 && a[1] == 0 && a[2] == 0 || a == [4]byte{239, 255, 255, 250}
	}
	return public, false
}

func (m *Map) addr4(a [4]byte) [4]byte {
	kind, fixed := kindOf4(a)
	if fixed {
		return a
	}
	t := &m.four
	if t.nets == nil {
		t.nets, t.hosts = map[uint32]*net4{}, map[[4]byte]byte{}
	}
	from := binary.BigEndian.Uint32(a[:]) >> 8
	n := t.nets[from]
	if n == nil {
		if len(t.nets) == maxNets {
			return m.spare4(kind, a)
		}
		if nth4(kind, t.count[kind]) == from { // none stands in for itself
			t.count[kind]++
		}
		n = &net4{to: nth4(kind, t.count[kind])}
		t.nets[from] = n
		t.count[kind]++
	}
	host := a[3]
	if host != 0 && host != 255 { // those of the network and of all in it stay
		last, ok := t.hosts[a]
		if !ok {
			if len(t.hosts) == maxAddrs {
				return m.spare4(kind, a)
			}
			n.last++
			last = n.last
			t.hosts[a] = last
		}
		host = last
	}
	return [4]byte{byte(n.to >> 16), byte(n.to >> 8), byte(n.to), host}
}

// nth4 is the network that stands in for the nth of a kind, its first three bytes.
func nth4(kind kind4, n uint32) uint32 {
	switch kind {
	case private: // from where few begin to count; maxNets is as many as these are
		return 10<<16 | (n+1<<15)&0xffff
	case shared:
		return 100<<16 | 64<<8 + n&0x3fff
	case linkLocal:
		return 169<<16 | 254<<8 | n&0xff
	case multicast: // RFC 6676, then RFC 6034
		if n == 0 {
			return 233<<16 | 252<<8
		}
		return 234<<16 | n&0xffff
	}
	// RFC 5737, RFC 2544, and what is reserved (RFC 1112).
	documentation := []uint32{192<<16 | 2, 198<<16 | 51<<8 | 100, 203<<16 | 113}
	if int(n) < len(documentation) {
		return documentation[n]
	}
	if n -= uint32(len(documentation)); n < 512 {
		return 198<<16 | 18<<8 + n
	}
	return 240<<16 + n - 512
}

// spare4 stands in for an address that is not remembered any more.
func (m *Map) spare4(kind kind4, a [4]byte) [4]byte {
	sum := m.hash("addr4", a[:])
	out := [4]byte(sum[:4])
	switch kind {
	case private:
		out[0] = 10
	case shared:
		out[0], out[1] = 100, 64|out[1]&0x3f
	case linkLocal:
		out[0], out[1] = 169, 254
	case multicast:
		out[0] = 234
	default:
		out[0] = 240 | out[0]&7
	}
	return out
}
