package incident

import "netrepro/engine/packet"

// join finds flows of different files that are one connection: the same ends, or the
// same initial sequence numbers behind a NAT.
func (in *Incident) join() {
	for i, file := range in.Files {
		for _, other := range in.Files[i+1:] {
			for _, f := range file.Flows {
				for _, o := range other.Flows {
					if len(f.Segments) > 0 && len(o.Segments) > 0 && f.is(o) {
						f.Twins, o.Twins = append(f.Twins, o), append(o.Twins, f)
					}
				}
			}
		}
	}
}

// is reports whether two flows of different files are one connection.
func (f *Flow) is(o *Flow) bool {
	if f.SYN != nil && o.SYN != nil {
		return f.SYN.Seq == o.SYN.Seq && (f.Ends == o.Ends || f.SYN.HasTS && f.SYN.TSVal == o.SYN.TSVal ||
			f.Ends[0].Port() == o.Ends[0].Port() || f.Ends[1] == o.Ends[1])
	}
	if f.Ends != o.Ends {
		return false
	}
	a, b := f.Segments[0], o.Segments[0]
	return a.Missing|b.Missing != 0 || a.Side != b.Side || near(a.Seq, b.Seq)
}

// near reports whether two sequence numbers are of one connection.
func near(a, b uint32) bool {
	const span = 1 << 28
	return packet.Before(a, b+span) && packet.After(a, b-span)
}
