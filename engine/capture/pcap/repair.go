package pcap

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// Repair cuts an incomplete last block off the pcapng file at path, as a
// writer that was killed may leave one. It returns the number of bytes cut.
// Only files this package wrote (little endian) are touched.
func Repair(path string) (cut int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return 0, fmt.Errorf("repair capture: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return 0, fmt.Errorf("repair capture: %w", err)
	}
	whole, err := wholeBlocks(f, st.Size())
	if err != nil || whole == st.Size() {
		return 0, err
	}
	if err := f.Truncate(whole); err != nil {
		return 0, fmt.Errorf("repair capture: %w", err)
	}
	return st.Size() - whole, nil
}

// wholeBlocks returns the offset at which the last complete block ends.
func wholeBlocks(r io.ReaderAt, size int64) (int64, error) {
	var head [12]byte
	for at := int64(0); ; {
		if _, err := r.ReadAt(head[:8], at); err != nil {
			return at, nil // too short for another block
		}
		if at == 0 {
			if _, err := r.ReadAt(head[:], 0); err != nil || binary.LittleEndian.Uint32(head[:]) != blockSection ||
				binary.LittleEndian.Uint32(head[8:]) != byteOrderMagic {
				return 0, errors.New("repair capture: not a little-endian pcapng file")
			}
		}
		n := int64(binary.LittleEndian.Uint32(head[4:]))
		if n < 12 || n%4 != 0 || at+n > size {
			return at, nil
		}
		var tail [4]byte
		if _, err := r.ReadAt(tail[:], at+n-4); err != nil || int64(binary.LittleEndian.Uint32(tail[:])) != n {
			return at, nil
		}
		at += n
	}
}
