//go:build linux

package fault

import (
	"fmt"
	"hash/fnv"

	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/tcp"
	"netrepro/engine/trace"
)

// diceKey says which packets share their dice: without states, those of one
// direction of one connection, so that what other connections do changes
// nothing; with states, those of one direction of the wire, whose state it is.
type diceKey struct {
	point int
	conn  *tcp.Conn
}

// roll finds the dice for p.
func (g *gate) roll(p *trace.Packet) *chance.Dice {
	k := diceKey{point: p.Point.Index}
	if !g.Chance.States {
		k.conn = p.Conn
	}
	d := g.dice[k]
	if d == nil {
		d = chance.NewDice(g.Chance, g.seed, k.name())
		g.dice[k] = d
	}
	return d
}

// name is the same for the same packets in every run.
func (k diceKey) name() uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, k.point)
	if k.conn != nil {
		for _, a := range k.conn.Ends {
			fmt.Fprint(h, " ", a)
		}
		fmt.Fprint(h, " ", k.conn.Proto)
	}
	return h.Sum64()
}
