package read

import (
	"strings"
	"testing"

	"netrepro/engine/reproduction"
)

// TestTooMuch refuses what no scenario can hold, with a way out.
func TestTooMuch(t *testing.T) {
	flow := func(losses, steps int) *reproduction.Flow {
		return &reproduction.Flow{Losses: make([]reproduction.Loss, losses),
			Steps: [2][]reproduction.Step{make([]reproduction.Step, steps)}}
	}
	for name, tt := range map[string]struct {
		flows []*reproduction.Flow
		want  string // empty for no error
	}{
		"as much as may be":   {[]*reproduction.Flow{flow(maxLosses, maxSteps)}, ""},
		"losses":              {[]*reproduction.Flow{flow(maxLosses+1, 0)}, "lost in 5001 ways"},
		"of several together": {[]*reproduction.Flow{flow(maxLosses, 0), flow(1, 0)}, "lost in 5001 ways"},
		"steps":               {[]*reproduction.Flow{flow(0, maxSteps), flow(0, 1)}, "20001 things"},
	} {
		err := tooMuch(&reproduction.Incident{Flows: tt.flows})
		switch {
		case tt.want == "":
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "--flow"):
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
