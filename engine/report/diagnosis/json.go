package diagnosis

import (
	"encoding/json"
	"io"
	"path/filepath"
	"strings"

	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/report/diagnosis/carries"
)

// report is the JSON object of a diagnosis, version 1.
type report struct {
	Version  int           `json:"version"`
	Findings []jsonFinding `json:"findings"`
	Capture  jsonCapture   `json:"capture"`
}

type jsonFinding struct {
	ID         string  `json:"id"`
	Confidence float64 `json:"confidence"`
	Flow       string  `json:"flow,omitempty"`
	// Frames and Lines are of the first file that has any.
	Frames   []int      `json:"frames"`
	Lines    []int      `json:"lines,omitempty"`
	Evidence []evidence `json:"evidence,omitempty"` // by file, where there are several
	Summary  string     `json:"summary"`
	Signs    []sign     `json:"signs,omitempty"`
	Not      []string   `json:"not"`
	Try      []string   `json:"try"`
	Scenario string     `json:"scenario,omitempty"`
	Others   []string   `json:"others,omitempty"`
}

type evidence struct {
	File   string `json:"file"`
	Frames []int  `json:"frames"`
	Lines  []int  `json:"lines,omitempty"`
}

type sign struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

type jsonCapture struct {
	Files []jsonFile       `json:"files"`
	Flows []jsonFlow       `json:"flows"`
	DNS   []carries.Lookup `json:"dns,omitempty"`
}

type jsonFile struct {
	Name    string   `json:"name"`
	Packets int      `json:"packets"`
	Seconds float64  `json:"seconds"`
	Text    bool     `json:"text,omitempty"`
	Cut     string   `json:"cut,omitempty"`
	Lost    int      `json:"lost,omitempty"`
	Unread  int      `json:"unread,omitempty"`
	Skipped []string `json:"skipped,omitempty"`
	Beyond  int      `json:"beyond,omitempty"`
}

type jsonFlow struct {
	File   string  `json:"file"`
	Flow   string  `json:"flow"`
	From   string  `json:"from"`
	RTT    float64 `json:"rtt,omitempty"` // seconds
	MSS    [2]int  `json:"mss"`
	WScale [2]int  `json:"wscale"` // -1: none, or not captured
	Bytes  [2]int  `json:"bytes"`
	Resent [2]int  `json:"resent"`
	Ended  string  `json:"ended"`
	// What it carries, each left out where nothing is known.
	TLS      *carries.TLS       `json:"tls,omitempty"`
	HTTP     []carries.Exchange `json:"http,omitempty"`
	HTTPMore int                `json:"http_more,omitempty"`
	jsonFacts
}

// maxFlows is how many connections the JSON describes.
const maxFlows = 1000

// JSON writes the diagnosis as one object.
func JSON(w io.Writer, r *diagnose.Report) error {
	out := report{Version: 1, Findings: []jsonFinding{}, Capture: jsonCapture{Files: []jsonFile{}, Flows: []jsonFlow{}}}
	for _, f := range r.Findings {
		out.Findings = append(out.Findings, jsonOf(r, f))
	}
	for _, f := range r.Incident.Files {
		base := filepath.Base(f.Name)
		out.Capture.Files = append(out.Capture.Files, jsonFile{Name: base, Packets: f.Packets, Seconds: f.End.Seconds(),
			Text: f.Text, Cut: f.Cut, Lost: f.Lost, Unread: f.Unread, Skipped: f.Skipped, Beyond: f.Beyond})
		out.Capture.DNS = append(out.Capture.DNS, carries.OfDNS(base, f)...)
		for _, fl := range f.Flows {
			if len(fl.Segments) == 0 || len(out.Capture.Flows) == maxFlows {
				continue
			}
			out.Capture.Flows = append(out.Capture.Flows, flow(base, fl))
		}
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(out); err != nil {
		return err
	}
	_, err := io.WriteString(w, named(r, b.String(), true))
	return err
}

func flow(file string, f *incident.Flow) jsonFlow {
	c, s := &f.Sides[incident.Client], &f.Sides[incident.Server]
	j := jsonFlow{File: file, Flow: f.String(), From: string(f.From), RTT: f.RTT.Seconds(), MSS: [2]int{c.MSS, s.MSS},
		WScale: [2]int{c.Scale, s.Scale}, Bytes: [2]int{c.Bytes, s.Bytes}, Resent: [2]int{len(c.Resent), len(s.Resent)},
		Ended: closed(f), TLS: carries.OfTLS(f), jsonFacts: factsJSON(f)}
	j.HTTP, j.HTTPMore = carries.OfHTTP(f)
	return j
}

func jsonOf(r *diagnose.Report, f *finding.Finding) jsonFinding {
	c := finding.Causes[f.ID]
	j := jsonFinding{ID: f.ID, Confidence: f.Confidence(), Summary: f.Summary, Not: f.Not, Try: c.Try,
		Scenario: c.Scenario,
		Frames:   []int{}}
	j.Flow, j.Others = f.Connection(), f.More()
	for _, s := range f.Signs {
		j.Signs = append(j.Signs, sign(s))
	}
	if j.Not == nil {
		j.Not = []string{}
	}
	if j.Try == nil {
		j.Try = []string{}
	}
	for i, file := range r.Incident.Files {
		e := evidence{File: filepath.Base(file.Name)}
		e.Frames, e.Lines = f.In(i)
		if len(e.Frames) == 0 {
			continue
		}
		if len(j.Frames) == 0 {
			j.Frames, j.Lines = e.Frames, e.Lines
		}
		if len(r.Incident.Files) > 1 {
			j.Evidence = append(j.Evidence, e)
		}
	}
	return j
}
