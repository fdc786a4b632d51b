// Package note words what there is to know of a segment besides what it was.
package note

import "fmt"

// PathMTU says that segments of a size time out while smaller ones get through: largest is the
// largest of these, at most 1 if there is none, told how many ICMP messages named the MTU of the
// path, and mss what both ends announced.
func PathMTU(size, largest, told, mtu int, mss [2]int) string {
	icmp := "no ICMP message said so"
	if told > 0 {
		icmp = fmt.Sprintf("ICMP said so %d times, mtu %d", told, mtu)
	}
	small := "and nothing has got through yet"
	if largest > 1 { // more than a SYN
		small = fmt.Sprintf("while %d got through", largest)
	}
	return fmt.Sprintf("path MTU: %d bytes time out again, %s; %s; MSS %d and %d", size, small, icmp, mss[0], mss[1])
}

// Unsegmented says that the capture was made before the device cut segments to size.
func Unsegmented(mss int) string {
	return fmt.Sprintf("larger than the MSS of %d: segments are cut or joined by the device, "+
		"this is not what crossed the wire", mss)
}
