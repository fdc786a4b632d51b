package kernelfile

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
)

// maxKernel bounds a kernel that is not compressed.
const maxKernel = 512 << 20

// Where a bzImage says what (Documentation/arch/x86/boot.rst of the kernel).
const (
	setupSects    = 0x1f1
	bootMagic     = 0x202 // "HdrS"
	versionAt     = 0x20e
	payloadOffset = 0x248
	setupHeader   = 0x250 // all of it that is read
	sector        = 512
)

// isBzImage reports whether b begins as a bzImage does.
func isBzImage(b []byte) bool {
	return len(b) >= setupHeader && string(b[bootMagic:bootMagic+4]) == "HdrS"
}

// Version is which kernel an image holds, as uname -r says it.
func Version(image []byte) (string, error) {
	text := ""
	switch {
	case isBzImage(image):
		at := int(binary.LittleEndian.Uint16(image[versionAt:])) + sector
		if at < len(image) {
			text = string(image[at:min(at+256, len(image))])
		}
	case bytes.HasPrefix(image, []byte(elfMagic)):
		const before = "Linux version "
		if at := bytes.Index(image, []byte(before)); at >= 0 {
			text = string(image[at+len(before) : min(at+len(before)+256, len(image))])
		}
	default:
		return "", fmt.Errorf("read kernel: %w: it is neither a bzImage nor a vmlinux", ErrFormat)
	}
	text, _, _ = strings.Cut(text, "\x00")
	version, _, _ := strings.Cut(text, " ")
	if version == "" || strings.Trim(version, versionLetters) != "" {
		return "", fmt.Errorf("read kernel: it does not say its version")
	}
	return version, nil
}

const versionLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.+~"

// Vmlinux is the kernel inside an image that a machine can enter at once, without
// decompressing it first; image itself where there is none.
func Vmlinux(image []byte) []byte {
	inner, err := unpacked(image)
	if err != nil || !enterable(inner) {
		return image
	}
	return inner
}

// unpacked is the ELF file in a bzImage.
func unpacked(image []byte) ([]byte, error) {
	if !isBzImage(image) {
		return image, nil
	}
	sects := int(image[setupSects])
	if sects == 0 {
		sects = 4
	}
	at := (sects+1)*sector + int(binary.LittleEndian.Uint32(image[payloadOffset:]))
	n := int(binary.LittleEndian.Uint32(image[payloadOffset+4:]))
	if n < 8 || at > len(image) || n > len(image)-at {
		return nil, fmt.Errorf("read kernel: %w: its payload is not there", ErrFormat)
	}
	payload := image[at : at+n]
	if !bytes.HasPrefix(payload, []byte("\x1f\x8b")) {
		payload = payload[:n-4] // its length stands behind it
	}
	return Decompress(payload, maxKernel)
}

// Notes of an ELF file that say how a machine enters it.
const pvhNote = 18 // XEN_ELFNOTE_PHYS32_ENTRY

// enterable reports whether a machine can start this ELF file as it is (PVH).
func enterable(b []byte) bool {
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return false
	}
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE || p.Filesz > 1<<20 {
			continue
		}
		notes := make([]byte, p.Filesz)
		if _, err := io.ReadFull(p.Open(), notes); err != nil {
			continue
		}
		for len(notes) >= 12 {
			name := (int(binary.LittleEndian.Uint32(notes)) + 3) &^ 3
			desc := (int(binary.LittleEndian.Uint32(notes[4:])) + 3) &^ 3
			kind := binary.LittleEndian.Uint32(notes[8:])
			if name > len(notes)-12 || desc > len(notes)-12-name {
				break
			}
			if kind == pvhNote && bytes.HasPrefix(notes[12:], []byte("Xen\x00")) {
				return true
			}
			notes = notes[12+name+desc:]
		}
	}
	return false
}
