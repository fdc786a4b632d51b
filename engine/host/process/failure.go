//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
)

// ErrLoader says that a program is there and what runs it is not.
var ErrLoader = errors.New("its interpreter is missing")

// failure is why the program at path could not be started.
func (s status) failure(path string) error {
	if s.Errno == 0 {
		return errors.New(s.Error)
	}
	errno := syscall.Errno(s.Errno)
	if errno != syscall.ENOENT {
		return errno
	}
	// The program itself was found.
	if name := interpreter(path); name != "" {
		return fmt.Errorf("%w: %s", ErrLoader, name)
	}
	return ErrLoader
}

// interpreter is the program that a script names in its first line, empty if
// there is none.
func interpreter(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	line, _ := bufio.NewReaderSize(f, 256).ReadSlice('\n') // the kernel reads no further either
	rest, ok := strings.CutPrefix(string(line), "#!")
	if words := strings.Fields(rest); ok && len(words) > 0 {
		return words[0]
	}
	return ""
}

func inBytes(texts []string) [][]byte {
	out := make([][]byte, len(texts))
	for i, t := range texts {
		out[i] = []byte(t)
	}
	return out
}

func inText(texts [][]byte) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = string(t)
	}
	return out
}
