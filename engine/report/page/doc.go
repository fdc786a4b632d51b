// Package page writes what netrepro found as one HTML file: the packets of a capture as a
// ladder, plots of its connections, and, of a case, its script with what came of every
// expectation.
//
// It finds nothing out, and it runs no case. README.md has the structure of the data in a
// page.
//
// Invariant: a page asks for nothing from elsewhere, runs no script but its own, and what
// comes from a capture or a script is text in it, whatever it holds.
package page

import (
	"strconv"
	"time"

	"netrepro/engine/report/page/packets"
)

// Version is that of the structure. It changes when something in it means something else.
const Version = 1

// Document is everything that a page shows.
type Document struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"` // what it is a page of: one of the kinds below
	Title   string `json:"title"`
	About   string `json:"about,omitempty"` // a paragraph below the title
	// Verdict is how a case ended, Why the reason that was given.
	Verdict string `json:"verdict,omitempty"`
	Word    string `json:"word,omitempty"` // the verdict as people read it: "reproduced"
	Why     string `json:"why,omitempty"`
	Took    Second `json:"took,omitempty"`
	// Again are commands that make this page's packets again.
	Again       []string `json:"again,omitempty"`
	Environment []Fact   `json:"environment,omitempty"`
	// Remarks are what the reader must know of the capture.
	Remarks []string `json:"remarks,omitempty"`
	Lab     *Lab     `json:"lab,omitempty"`
	Script  *Script  `json:"script,omitempty"`
	Events  []Event  `json:"events,omitempty"`
	// Findings are what a diagnosis says.
	Findings []Finding `json:"findings,omitempty"`
	// Compared are the connections of two captures, of a comparison.
	Compared []Compared `json:"compared,omitempty"`
	// Words are what values of a filter's keys can be, by key.
	Words    map[string][]string `json:"words"`
	Captures []Capture           `json:"captures"`
}

// New begins a page.
func New(kind, title string) *Document {
	return &Document{Version: Version, Kind: kind, Title: title, Words: packets.Words()}
}

// Kinds of page.
const (
	KindCapture    = "capture"
	KindCase       = "case"
	KindDiagnosis  = "diagnosis"
	KindComparison = "comparison"
)

// Second is a time in seconds.
type Second float64

// MarshalJSON writes s without an exponent.
func (s Second) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(s), 'f', -1, 64), nil
}

// Seconds is d in seconds.
func Seconds(d time.Duration) Second { return Second(d.Seconds()) }

// Fact is a name and what it is.
type Fact struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Lab is what a lab is made of, as far as it is known.
type Lab struct {
	Nodes []Node `json:"nodes"`
	Wires []Wire `json:"wires"`
}

// Node is a host, a router or a switch.
type Node struct {
	Name  string   `json:"name"`
	Kind  string   `json:"kind,omitempty"`
	Addrs []string `json:"addresses,omitempty"`
}

// Wire is between two nodes.
type Wire struct {
	Name  string `json:"name"`
	From  string `json:"from"`
	To    string `json:"to"`
	Facts []Fact `json:"facts,omitempty"` // MTU, delay, rate, loss
}

// Script is the file that a case is in.
type Script struct {
	Name string `json:"name"`
	Text string `json:"text"`
	// Line is where its scenario begins.
	Line int `json:"line,omitempty"`
}

// Event is something that happened in a case.
type Event struct {
	Kind   string   `json:"kind"`
	At     Second   `json:"at"` // since the first packet
	Text   string   `json:"text,omitempty"`
	Label  string   `json:"label,omitempty"`
	Where  string   `json:"where,omitempty"`
	Line   int      `json:"line,omitempty"` // of the script
	Pass   bool     `json:"pass,omitempty"`
	Ladder []string `json:"ladder,omitempty"`
	Frames []int    `json:"frames,omitempty"`
}

// Finding is a cause that a diagnosis names.
type Finding struct {
	ID         string   `json:"id"`
	Title      string   `json:"title"`
	Summary    string   `json:"summary"`
	Confidence float64  `json:"confidence"`
	Flow       string   `json:"flow,omitempty"`
	Measured   string   `json:"measured,omitempty"`
	Signs      []Sign   `json:"signs,omitempty"`
	Not        []string `json:"not,omitempty"`
	Try        []string `json:"try,omitempty"`
	Scenario   string   `json:"scenario,omitempty"`
	Evidence   []Cited  `json:"evidence,omitempty"` // the packets that prove it
}

// Sign is what speaks for a finding, or against it if its weight is below 0.
type Sign struct {
	Text   string  `json:"text"`
	Weight float64 `json:"weight"`
}

// Cited are packets of the capture of that number.
type Cited struct {
	Capture int   `json:"capture"`
	Frames  []int `json:"frames"`
}

// Compared is a connection that is in both of two captures, or in one.
type Compared struct {
	Title string `json:"title"`
	Pairs []Pair `json:"pairs"`
}

// Pair are the numbers of two rows that stand beside each other, -1 for none.
type Pair struct {
	A       int      `json:"a"`
	B       int      `json:"b"`
	Same    bool     `json:"same,omitempty"`
	Differs []string `json:"differs,omitempty"`
}

// Capture is the packets of one file.
type Capture struct {
	Name  string `json:"name"`
	Start string `json:"start,omitempty"` // when its first packet was seen
	// Nodes are empty if the file does not say which nodes its packets pass. Columns are
	// those of its ladder, one a node or a host, and Visited which of them any packet visits.
	Nodes   []string          `json:"nodes"`
	Columns []string          `json:"columns"`
	Visited []int             `json:"visited"`
	Points  []Point           `json:"points"`
	Names   map[string]string `json:"names,omitempty"` // hosts by address
	Fields  []packets.Field   `json:"fields"`          // of headers, in the order of a packet's
	Flows   []Flow            `json:"connections"`

	began         int64 // when its first packet was seen, nanoseconds since 1970
	packets, rows objects
}

// Point is a capture point.
type Point struct {
	Name  string   `json:"name"`
	Node  int      `json:"node"` // -1 if it is not known
	Addrs []string `json:"addresses,omitempty"`
}

// Flow is a connection.
type Flow struct {
	ID      int       `json:"stream"`
	Of      int       `json:"root"` // the connection that it is behind a NAT, or its own number
	Ends    [2]string `json:"ends"`
	Names   [2]string `json:"names"`
	Packets [2]int    `json:"packets"`
	MSS     [2]int    `json:"mss"`
	WScale  [2]int    `json:"wscale"` // -1: none, or not captured
	RTT     Second    `json:"handshake,omitempty"`
}
