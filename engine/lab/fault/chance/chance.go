// Package chance says how often something happens by chance, and draws it. It knows
// no packets.
//
// Invariant: the same model and the same numbers draw the same.
package chance

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Model says how chance hits. Without states, each packet is hit with
// probability P. With states it is Gilbert's and Elliott's chain of two states
// (E. N. Gilbert, Capacity of a burst-noise channel, 1960; E. O. Elliott, 1963):
// good, left with probability P a packet, and bad, left with probability R.
type Model struct {
	States    bool
	P, R      float64
	Good, Bad float64 // how likely a packet is hit in each state
}

// Bursts is the chain that hits a share rate of all packets in runs of mean
// packets on average. rate must be below 1 and mean at least 1; so must be
// rate/(1-rate) to mean, or no chain has that.
func Bursts(rate, mean float64) (Model, error) {
	m := Model{States: true, R: 1 / mean, P: rate / (1 - rate) / mean, Bad: 1}
	if mean < 1 || rate >= 1 || m.P > 1 {
		return m, fmt.Errorf("no chain loses %s in runs of %v on average", percent(rate), mean)
	}
	return m, nil
}

// Mean is the share of packets hit in the long run.
func (m *Model) Mean() float64 {
	if !m.States {
		return m.P
	}
	if m.P+m.R == 0 {
		return m.Good // it never leaves the good state it begins in
	}
	bad := m.P / (m.P + m.R)
	return bad*m.Bad + (1-bad)*m.Good
}

// Deviation is the standard deviation of the share hit among n packets, n being
// large.
func (m *Model) Deviation(n int) float64 {
	x := m.Mean()
	v := x * (1 - x)
	if m.States && m.P+m.R > 0 {
		bad, memory := m.P/(m.P+m.R), 1-m.P-m.R
		v += 2 * bad * (1 - bad) * (m.Bad - m.Good) * (m.Bad - m.Good) * memory / (1 - memory)
	}
	return math.Sqrt(v / float64(n))
}

// String writes m as a script would.
func (m *Model) String() string {
	switch {
	case !m.States:
		return percent(m.P)
	case m.Good == 0 && m.Bad == 1:
		return fmt.Sprintf("%s in bursts of %.4g", percent(m.Mean()), 1/m.R)
	}
	return fmt.Sprintf("gilbert p %s r %s good %s bad %s", percent(m.P), percent(m.R), percent(m.Good), percent(m.Bad))
}

func percent(x float64) string { return fmt.Sprintf("%.6g%%", x*100) }

// Dice draw for a model.
type Dice struct {
	*Model
	rng *rand.Rand
	bad bool // the state of the chain
}

// NewDice makes dice that two numbers seed.
func NewDice(m *Model, seed, stream uint64) *Dice {
	return &Dice{Model: m, rng: rand.New(rand.NewPCG(seed, stream))}
}

// Hit draws whether the next packet is hit.
func (d *Dice) Hit() bool {
	if !d.States {
		return d.rng.Float64() < d.P
	}
	p := d.Good
	if d.bad {
		p = d.Bad
	}
	hit := d.rng.Float64() < p
	leave := d.P
	if d.bad {
		leave = d.R
	}
	if d.rng.Float64() < leave {
		d.bad = !d.bad
	}
	return hit
}
