package trace

import (
	"fmt"
	"strings"
)

// String writes m as a script would.
func (m *Match) String() string {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	if m.From != nil {
		add("from = %s", m.From.Name)
	}
	if m.To != nil {
		add("to = %s", m.To.Name)
	}
	if m.TCP != "" {
		add("tcp = %q", m.TCP)
	}
	if m.ICMP != "" {
		add("icmp = %q", m.ICMP)
	}
	if m.UDP {
		add("udp = true")
	}
	if m.Conn != nil {
		add("conn = %s-%s", m.Conn.A, m.Conn.B)
	}
	for _, f := range []struct {
		name string
		v    int
	}{{"port", m.Port}, {"sport", m.SPort}, {"dport", m.DPort}} {
		if f.v != 0 {
			add("%s = %d", f.name, f.v)
		}
	}
	if m.Seq != nil {
		add("seq = %d", *m.Seq)
	}
	if m.Ack != nil {
		add("ack = %d", *m.Ack)
	}
	if m.Len != nil {
		add("len = %s", m.Len)
	}
	if m.Flags != "" {
		add("flags = %q", m.Flags)
	}
	if m.SACKs != nil {
		add("sacks = %s", hitName(m.SACKs()))
	}
	if m.Covers != nil {
		add("covers = %s", hitName(m.Covers()))
	}
	for i := range m.Fields {
		add("%s", &m.Fields[i])
	}
	if m.Toward != "" {
		add("toward = %s", m.Toward)
	}
	if m.Payload != "" {
		add("payload = %q", m.Payload)
	}
	for _, f := range []struct {
		name string
		r    *Range
	}{{"size", m.Size}, {"queued", m.Queued}, {"rexmit", m.Rexmit}} {
		if f.r != nil {
			add("%s = %s", f.name, f.r.quoted())
		}
	}
	if m.Where != nil {
		add("where = function")
	}
	if m.Harmed != nil {
		add("harmed = %t", *m.Harmed)
	}
	if m.Dropped != nil {
		add("dropped = %t", *m.Dropped)
	}
	for _, f := range []struct{ name, v string }{{"tls", m.TLS}, {"http", m.HTTP}, {"original", m.Original}, {"refused", m.Refused}, {"timer", m.Timer}} {
		if f.v != "" {
			add("%s = %q", f.name, f.v)
		}
	}
	if m.RST != nil {
		add("rst = %s", m.RST)
	}
	if len(s) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(s, ", ") + " }"
}

func hitName(h *Hit) string {
	if h == nil {
		return "a fault that never fired"
	}
	return fmt.Sprintf("%d:%d", h.Seq, h.End)
}

// quoted writes r as a script would.
func (r *Range) quoted() string {
	if r.Min == r.Max {
		return r.String()
	}
	return fmt.Sprintf("%q", r)
}

// String writes r as "7", "1..5" or ">= 3".
func (r *Range) String() string {
	switch {
	case r.Max < 0:
		return fmt.Sprintf(">= %d", r.Min)
	case r.Min == r.Max:
		return fmt.Sprint(r.Min)
	}
	return fmt.Sprintf("%d..%d", r.Min, r.Max)
}
