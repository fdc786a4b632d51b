package page

import (
	"encoding/json"
	"net/netip"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// row is a row of the ladder, as JSON.
type row struct {
	Frames  []int       `json:"frames"`
	Time    Second      `json:"time"`
	Stream  int         `json:"stream"`
	From    int         `json:"from"`
	To      int         `json:"to"`
	Stopped bool        `json:"stopped,omitempty"`
	Unseen  bool        `json:"unseen,omitempty"`
	Kind    string      `json:"kind"` // what is most remarkable about it
	Label   string      `json:"label"`
	Marks   [][2]string `json:"marks,omitempty"` // kind and text
}

// mostHosts is how many columns hosts have, where a capture names no nodes.
const mostHosts = 12

// draw writes the rows of a ladder. Each begins with another of the records, which are in
// the order of their frames as the rows are.
func (c *Capture) draw(l *view.Ladder, kept []*tcp.Record) error {
	hosts := hostColumns{at: map[netip.Addr]int{}, names: c.Names}
	seen, at := map[int]bool{}, 0
	for i := range l.Rows {
		r := &l.Rows[i]
		for kept[at].N != r.Frames[0] {
			at++
		}
		first := kept[at]
		out := row{Frames: r.Frames, Time: Seconds(r.Time), Stream: r.Flow, From: r.From, To: r.To, Stopped: r.Stopped,
			Unseen: r.Unseen, Kind: kindOf(r, first), Label: r.Label}
		for _, m := range r.Marks {
			out.Marks = append(out.Marks, [2]string{m.Kind, m.Text})
		}
		if len(c.Nodes) == 0 {
			out.From, out.To = hosts.column(first.Packet.Src), hosts.column(first.Packet.Dst)
			out.Stopped, out.Unseen = false, false
		}
		seen[out.From], seen[out.To] = true, true
		text, err := json.Marshal(out)
		if err != nil {
			return err
		}
		if err := c.rows.add(text); err != nil {
			return err
		}
	}
	for _, r := range kept {
		if len(c.Nodes) > 0 && r.Point < len(c.Points) && c.Points[r.Point].Node >= 0 {
			seen[c.Points[r.Point].Node] = true
		}
	}
	if len(c.Nodes) == 0 {
		c.Columns = append(c.Columns, hosts.columns...)
	}
	c.Visited = []int{}
	for i := range c.Columns {
		if seen[i] {
			c.Visited = append(c.Visited, i)
		}
	}
	return nil
}

// hostColumns has a column for each host. The last is for all that came late.
type hostColumns struct {
	at      map[netip.Addr]int
	names   map[string]string
	columns []string
}

func (h *hostColumns) column(a netip.Addr) int {
	at, known := h.at[a]
	if known {
		return at
	}
	at = min(len(h.columns), mostHosts)
	h.at[a] = at
	name := "?"
	if a.IsValid() {
		name = a.String()
		if n := h.names[name]; n != "" {
			name = n
		}
	}
	switch {
	case at < mostHosts:
		h.columns = append(h.columns, name)
	case len(h.columns) == mostHosts:
		h.columns = append(h.columns, "others")
	}
	return at
}

// kindOf is what is most remarkable about a row whose first sighting is first.
func kindOf(r *view.Row, first *tcp.Record) string {
	has := func(kind, text string) bool {
		for _, m := range r.Marks {
			if m.Kind == kind && strings.Contains(m.Text, text) {
				return true
			}
		}
		return false
	}
	p, segment := first.Packet, first.Conn != nil
	switch {
	case r.Stopped || has(view.MarkDropped, ""):
		return "dropped"
	case has(view.MarkReset, "") || segment && p.Flags.Has(packet.RST):
		return "reset"
	case has(view.MarkSent, "") || has(view.MarkFlag, "retransmission"):
		return "resent"
	case has(view.MarkFault, ""):
		return "fault"
	case !segment && p.ICMP() != nil:
		return "icmp"
	case has(view.MarkApp, ""):
		return "app"
	case segment && p.Flags&(packet.SYN|packet.FIN) != 0:
		return "control"
	case segment && p.Flags != 0 && (p.PayloadLen == 0 || p.Missing.Has(packet.NoLength)):
		return "ack"
	}
	return "data"
}
