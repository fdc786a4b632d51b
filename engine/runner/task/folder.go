//go:build linux

package task

import (
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strings"
)

// maxName is how long a name of a folder may be: less than file systems allow, so
// that there is room for more.
const maxName = 200

// fileName makes a path below a directory of a case's name, another for each:
// whatever else a parameter holds must not lead out of it.
func fileName(name string) string {
	scenario, rest, _ := strings.Cut(name, "/")
	return filepath.Join(safe(scenario), safe(rest))
}

// safe writes bytes that are not fit for the name of a folder as %XX.
func safe(name string) string {
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if alphanumeric || strings.IndexByte("_,=#+-", c) >= 0 || c == '.' && i > 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	s := b.String()
	if len(s) > maxName {
		sum := sha256.Sum256([]byte(name))
		s = fmt.Sprintf("%s~%x", s[:maxName-33], sum[:16])
	}
	return s
}
