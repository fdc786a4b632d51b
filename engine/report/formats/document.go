package formats

import (
	"io"

	"netrepro/engine/report/stream"
)

// report is a run as one JSON object.
type report struct {
	Version     int            `json:"version"`
	Time        string         `json:"time"`
	Seconds     float64        `json:"seconds"`
	Seed        uint64         `json:"seed"`
	Shard       string         `json:"shard,omitempty"`
	Interrupted bool           `json:"interrupted"`
	Machine     stream.Machine `json:"machine"`
	Counts      map[string]int `json:"counts"`
	Cases       []reportCase   `json:"cases"`
	NotRun      []string       `json:"not_run"`
}

type reportCase struct {
	Case  string `json:"case"`
	Flaky bool   `json:"flaky"`
	stream.Began
	stream.Ended
	Said []*stream.Said `json:"said"`
}

// document writes a run as one JSON object.
func document(w io.Writer, r *stream.Run) error {
	out := report{Version: stream.Version, Time: r.Time, Seconds: r.Finished.Seconds, Seed: r.Seed, Shard: r.Shard,
		Interrupted: r.Finished.Interrupted, Machine: r.Machine, Counts: counts(r), Cases: []reportCase{},
		NotRun: append([]string{}, r.Finished.NotRun...)}
	for _, c := range r.Cases {
		out.Cases = append(out.Cases, reportCase{Case: c.Name, Flaky: c.Ended.Flaky(), Began: c.Began, Ended: *c.Ended,
			Said: append([]*stream.Said{}, c.Said...)})
	}
	return indented(w, out)
}

// counts are how many cases ended in each way.
func counts(r *stream.Run) map[string]int {
	out := map[string]int{"flaky": r.Flaky(), "not_run": len(r.Finished.NotRun)}
	for _, v := range verdicts {
		out[v] = r.Count(v)
	}
	return out
}

// verdicts in the order in which they are told.
var verdicts = []string{stream.Passed, stream.Failed, stream.Errored, stream.Inconclusive, stream.Skipped}
