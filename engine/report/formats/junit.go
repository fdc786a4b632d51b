package formats

import (
	"encoding/xml"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"netrepro/engine/report/stream"
	"netrepro/engine/sanitize"
)

// The elements are those of Jenkins' schema (junit-10.xsd of its xUnit plug-in), which
// GitLab and the readers on GitHub take too.

type xmlSuites struct {
	XMLName  xml.Name   `xml:"testsuites"`
	Name     string     `xml:"name,attr"`
	Tests    int        `xml:"tests,attr"`
	Failures int        `xml:"failures,attr"`
	Errors   int        `xml:"errors,attr"`
	Time     string     `xml:"time,attr"`
	Suites   []xmlSuite `xml:"testsuite"`
}

type xmlSuite struct {
	Name       string        `xml:"name,attr"`
	File       string        `xml:"file,attr"`
	Tests      int           `xml:"tests,attr"`
	Failures   int           `xml:"failures,attr"`
	Errors     int           `xml:"errors,attr"`
	Skipped    int           `xml:"skipped,attr"`
	Time       string        `xml:"time,attr"`
	Timestamp  string        `xml:"timestamp,attr,omitempty"`
	Properties []xmlProperty `xml:"properties>property"`
	Cases      []xmlCase     `xml:"testcase"`
	seconds    float64
}

type xmlProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type xmlCase struct {
	Name      string     `xml:"name,attr"`
	Classname string     `xml:"classname,attr"`
	Time      string     `xml:"time,attr"`
	Skipped   *xmlReason `xml:"skipped"`
	Error     *xmlReason `xml:"error"`
	Failure   *xmlReason `xml:"failure"`
	Flaky     *xmlReason `xml:"flakyFailure"`
	Out       *xmlText   `xml:"system-out"`
}

type xmlReason struct {
	Type    string `xml:"type,attr,omitempty"`
	Message string `xml:"message,attr"`
	Text    string `xml:",cdata"`
}

type xmlText struct {
	Text string `xml:",cdata"`
}

// junit writes JUnit's XML: a suite for each file, a test for each case.
func junit(w io.Writer, r *stream.Run) error {
	all := xmlSuites{Name: "netrepro", Time: fmt.Sprintf("%.3f", r.Finished.Seconds)}
	at := map[string]int{}
	for _, c := range r.Cases {
		i, known := at[c.File]
		if !known {
			i = len(all.Suites)
			at[c.File] = i
			stamp, _, _ := strings.Cut(r.Time, "+")
			all.Suites = append(all.Suites, xmlSuite{Name: sanitize.Text(c.File), File: sanitize.Text(c.File),
				Timestamp: strings.TrimSuffix(stamp, "Z"), Properties: properties(r)})
		}
		s := &all.Suites[i]
		x := junitCase(c)
		s.Cases = append(s.Cases, x)
		s.Tests++
		s.seconds += c.Ended.Seconds
		if x.Failure != nil {
			s.Failures++
			all.Failures++
		}
		if x.Error != nil {
			s.Errors++
			all.Errors++
		}
		if x.Skipped != nil {
			s.Skipped++
		}
		s.Time = fmt.Sprintf("%.3f", s.seconds)
		all.Tests++
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func properties(r *stream.Run) []xmlProperty {
	return []xmlProperty{{"kernel", sanitize.Text(r.Machine.Kernel)}, {"netrepro", sanitize.Text(r.Machine.Program)},
		{"processors", fmt.Sprint(r.Machine.Processors)}, {"seed", fmt.Sprint(r.Seed)}}
}

func junitCase(c *stream.Case) xmlCase {
	class := strings.TrimSuffix(filepath.ToSlash(c.File), ".lua")
	x := xmlCase{Name: sanitize.Text(c.Name), Classname: sanitize.Text(strings.ReplaceAll(class, "/", ".")),
		Time: fmt.Sprintf("%.3f", c.Ended.Seconds)}
	file, line := place(c)
	text := chars(fmt.Sprintf("%s:%d\n%sagain  %s\n", sanitize.Text(file), line, details(c), c.Command()))
	reason := &xmlReason{Type: c.Ended.Verdict, Message: chars(said(c)), Text: text}
	switch {
	case c.Ended.Flaky():
		reason.Type, reason.Message = "flaky", "passed on retry, after it had failed"
		x.Flaky = reason
	case c.Ended.Verdict == stream.Failed:
		x.Failure = reason
	case c.Ended.Verdict == stream.Skipped:
		x.Skipped = &xmlReason{Type: "skipped", Message: sanitize.Text(c.Ended.Why)}
	case c.Ended.Verdict != stream.Passed:
		x.Error = reason
	default:
		if text := details(c); text != "" {
			x.Out = &xmlText{chars(text)}
		}
	}
	return x
}

// chars is text without what XML has no way to say.
func chars(s string) string {
	return strings.Map(func(r rune) rune {
		if r == 0xfffe || r == 0xffff {
			return 0xfffd
		}
		return r
	}, s)
}
