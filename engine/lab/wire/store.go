//go:build linux

package wire

const (
	// maxStored bounds the bytes of what is on its way or held back in a lab.
	maxStored = 256 << 20
	// maxSpare is how many buffers are kept to be used again.
	maxSpare = 4096
)

// store is the memory of frames that outlive the slot of the ring they came in.
type store struct {
	bytes int      // on their way or held back
	spare [][]byte // buffers to use again
	spent [][]byte // buffers to use again once what they hold has been sent
}

// full reports whether there is no room for so many bytes more.
func (s *store) full(n int) bool { return s.bytes+n > maxStored }

// keep copies a frame. The caller has made sure that there is room.
func (s *store) keep(data []byte) []byte {
	var b []byte
	if n := len(s.spare); n > 0 {
		b, s.spare = s.spare[n-1], s.spare[:n-1]
	}
	b = append(b[:0], data...)
	s.bytes += len(b)
	return b
}

// free ends the keeping of a frame, which may wait to be sent.
func (s *store) free(data []byte) {
	s.bytes -= len(data)
	s.spent = append(s.spent, data)
}

// recycle makes what was freed spare.
func (s *store) recycle() {
	s.spare = append(s.spare, s.spent[:min(len(s.spent), max(0, maxSpare-len(s.spare)))]...)
	s.spent = s.spent[:0]
}
