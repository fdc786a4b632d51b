// Package transfer has the rules for data that does not get through: loss, order,
// windows, damage.
package transfer

import "netrepro/engine/diagnose/finding"

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Sides(lost), finding.Sides(overtaken),
	finding.Sides(closed), finding.Sides(damaged), finding.Sides(unscaled), scaled, offloaded}
