package formats

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"netrepro/engine/report/stream"
	"netrepro/engine/sanitize"
)

// github writes workflow commands, which GitHub shows at the line of the script.
func github(w io.Writer, r *stream.Run) error {
	var b bytes.Buffer
	for _, c := range r.Cases {
		if !bad(c) {
			continue
		}
		command := "error"
		if c.Ended.Verdict == stream.Inconclusive || c.Ended.Flaky() {
			command = "warning"
		}
		file, line := place(c)
		fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", command, property(filepath.ToSlash(file)), line,
			property(c.Name+": "+c.Ended.Word), message(said(c)+"\n"+details(c)+"again  "+c.Command()))
	}
	for _, name := range r.Finished.NotRun {
		fmt.Fprintf(&b, "::warning title=%s::%s\n", property(name), message("the case was not run"))
	}
	_, err := w.Write(b.Bytes())
	return err
}

// message and property escape as GitHub's toolkit does: a command is one line, and its
// properties end at a comma or a colon.
func message(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(sanitize.Lines(strings.TrimSpace(s)))
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(sanitize.Text(s))
}

// issue is one of GitLab's code quality report.
type issue struct {
	Description string        `json:"description"`
	Check       string        `json:"check_name"`
	Fingerprint string        `json:"fingerprint"`
	Severity    string        `json:"severity"`
	Location    issueLocation `json:"location"`
}

type issueLocation struct {
	Path  string     `json:"path"`
	Lines issueLines `json:"lines"`
}

type issueLines struct {
	Begin int `json:"begin"`
}

// gitlab writes a code quality report, which GitLab shows in a merge request.
func gitlab(w io.Writer, r *stream.Run) error {
	issues := []issue{}
	for _, c := range r.Cases {
		if !bad(c) {
			continue
		}
		severity := map[string]string{stream.Failed: "major", stream.Errored: "critical"}[c.Ended.Verdict]
		if severity == "" {
			severity = "minor"
		}
		file, line := place(c)
		sum := sha256.Sum256([]byte(c.File + "\x00" + c.Name + "\x00" + c.Ended.Verdict))
		issues = append(issues, issue{Description: fmt.Sprintf("%s: %s: %s", sanitize.Text(c.Name), c.Ended.Word, said(c)),
			Check: "netrepro/" + c.Ended.Word, Fingerprint: fmt.Sprintf("%x", sum), Severity: severity,
			Location: issueLocation{Path: filepath.ToSlash(filepath.Clean(file)), Lines: issueLines{Begin: line}}})
	}
	return indented(w, issues)
}

func indented(w io.Writer, v any) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(sanitize.JSON(b.Bytes()))
	return err
}
