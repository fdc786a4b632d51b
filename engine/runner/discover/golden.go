//go:build linux

package discover

import (
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"strings"

	"netrepro/engine/files"
	"netrepro/scenarios"
)

// GoldenExt ends the names of files with golden traces.
const GoldenExt = ".golden"

// Golden reads the golden trace of a name beside a scenario file, or in the
// shipped library.
func Golden(file, name string) ([]byte, error) {
	b, err := files.ReadRegular(filepath.Join(filepath.Dir(file), name+GoldenExt), MaxSource)
	dir, ok := strings.CutPrefix(path.Dir(filepath.ToSlash(file)), shippedRoot)
	if ok && errors.Is(err, fs.ErrNotExist) {
		return scenarios.Files.ReadFile(path.Join(dir, name+GoldenExt))
	}
	return b, err
}
