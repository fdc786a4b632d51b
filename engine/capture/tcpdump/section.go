package tcpdump

import (
	"strconv"
	"strings"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/pattern"
)

// run is one capture of the text.
type run struct {
	where string // prompt and interface
	iface string // the interface, if it is one alone
	used  bool   // it has packets
	count int
}

var (
	listening = pattern.New(`^(?:tcpdump: )?listening on (\S+?),? `)
	command   = pattern.New(`^(.*?)(?:^|[\s$#%>])(?:sudo +)?(?:\S*/)?(?:tcpdump|tshark)((?: +-[A-Za-z-]| +[a-z]+ ).*)$`)
	onWhich   = pattern.New(` -[a-zA-Z]*i *(\S+)`)
	summary   = pattern.New(`^\d+ packets? captured`)
)

// section reports whether a line says that another capture begins or one ends; where and
// of what interface, as far as it says.
func section(s string) (prompt, name string, ok bool) {
	if !strings.Contains(s, "listening on") && !strings.Contains(s, "captured") && !strings.Contains(s, "tcpdump") &&
		!strings.Contains(s, "tshark") {
		return "", "", false
	}
	if m := listening.FindStringSubmatch(s); m != nil {
		return "", m[1], true
	}
	if summary.MatchString(s) {
		return "", "", true
	}
	if m := command.FindStringSubmatch(s); m != nil && !strings.Contains(m[1], ": Flags") {
		if w := onWhich.FindStringSubmatch(m[2]); w != nil {
			name = w[1]
		}
		return strings.TrimSpace(m[1]), name, true
	}
	return "", "", false
}

// Device is the network device that a line names, of a program that captures or of the command
// that started it; empty if it is no such line.
func Device(s string) string {
	if _, name, ok := section(s); ok {
		return name
	}
	return ""
}

// begin takes in that a capture begins. Its numbers count anew, and what it saw it saw at
// another point.
func (r *Reader) begin(where string) {
	prompt, name, _ := strings.Cut(where, "\n")
	if !r.run.used { // a command, and what the program says when it begins
		if name != "" {
			r.run.where, r.run.iface = name, name
		}
		if prompt != "" {
			r.run.where = prompt + " " + r.run.where
		}
		return
	}
	r.run = run{count: r.run.count + 1, where: strings.TrimSpace(prompt + " " + name), iface: name}
	r.flows.Forget()
}

// maxPoints bounds the capture points of a text.
const maxPoints = 1 << 10

// point is the capture point of a packet seen on an interface.
func (r *Reader) point(iface string) int {
	r.run.used = true
	if iface == "" && r.run.iface != "any" {
		iface = r.run.iface
	}
	if r.run.count > 0 {
		if len(r.Interfaces) == 0 { // the first capture gets its point when there is a second
			r.Interfaces = append(r.Interfaces, pcap.Interface{Name: "capture 1"})
			r.points["\x00"] = 0
		}
		if iface == "" {
			iface = "capture"
		}
		iface += " " + strconv.Itoa(r.run.count+1)
	}
	if iface == "" {
		if len(r.Interfaces) == 0 {
			return 0
		}
		iface = "\x00"
	}
	if n, ok := r.points[iface]; ok {
		return n
	}
	if len(r.Interfaces) == maxPoints {
		return maxPoints - 1
	}
	name := iface
	if name == "\x00" {
		name = "unknown"
	}
	r.points[iface] = len(r.Interfaces)
	r.Interfaces = append(r.Interfaces, pcap.Interface{Name: strings.Clone(name)})
	return len(r.Interfaces) - 1
}
