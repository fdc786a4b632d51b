package page

import (
	"bytes"
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/testutil/browser"
)

// hostile are texts that would do something in a page if they were not text there.
var hostile = []string{
	"<script>alert(1)</script>", "</script><script>alert(1)</script>", "<!--<script>", "]]>", "<img src=x onerror=alert(1)>",
	`"><svg onload=alert(1)>`, "{{data}}{{script}}{{style}}", "${alert(1)}", "`+alert(1)+`", "javascript:alert(1)",
	"\u2028alert(1)\u2029", "&lt;script&gt;", "\\u003cscript\\u003e", "</style><script>alert(1)</script>", "</title><script>",
	"__proto__", "constructor", "\x00\x1b[31m", "\xff\xfe", "=cmd|' /C calc'!A0",
}

// hostileCapture is a file in which hosts, requests and server names are hostile.
func hostileCapture(t *testing.T) string {
	t.Helper()
	var e pcap.Encoder
	b := e.Interface(e.Section(nil, "", "", ""), pcap.Interface{Link: pcap.Ethernet, Name: hostile[1]})
	client, server := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	for i, text := range hostile {
		p := build.Packet{Src: client, Dst: server, Proto: packet.ProtoTCP, SrcPort: uint16(4000 + i), DstPort: 80, Seq: 1,
			Flags: packet.ACK | packet.PSH, Payload: []byte("GET /" + strings.ReplaceAll(text, " ", "+") + " HTTP/1.1\r\n\r\n")}
		f, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		b = e.Packet(b, &pcap.Frame{Time: int64(i) * 1e6, Data: f, Length: len(f)})
	}
	path := filepath.Join(t.TempDir(), "<script>alert(1)<|script>.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// hostilePage has hostile texts wherever a text can be.
func hostilePage(t *testing.T) *Document {
	t.Helper()
	d, err := FromCapture(t.Context(), hostileCapture(t), &bytes.Buffer{})
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(hostile, "\n")
	d.Title, d.About, d.Why, d.Verdict, d.Word = all, all, all, "failed", hostile[0]
	d.Remarks, d.Again, d.Environment = hostile, hostile, []Fact{{hostile[0], hostile[1]}}
	d.Script = &Script{Name: hostile[0], Text: all, Line: 1}
	d.Lab = &Lab{Nodes: []Node{{Name: hostile[0], Addrs: hostile}, {Name: hostile[5], Kind: "router"}},
		Wires: []Wire{{Name: hostile[4], From: hostile[0], To: hostile[5], Facts: []Fact{{"mtu", hostile[0]}}}}}
	for i, text := range hostile {
		d.Events = append(d.Events, Event{Kind: "log", At: 0.001, Text: text, Where: text, Line: i + 1},
			Event{Kind: "expect", Text: text, Label: text, Where: text, Ladder: hostile, Line: i + 1, Frames: []int{1}})
		d.Findings = append(d.Findings, Finding{ID: text, Title: text, Summary: text, Signs: []Sign{{text, 1}}, Not: hostile,
			Try: hostile, Scenario: text, Flow: text, Measured: text, Evidence: []Cited{{0, []int{1}}}})
	}
	return d
}

// TestEscaped has nothing in the file of a page that a browser could read as markup.
func TestEscaped(t *testing.T) {
	d := hostilePage(t)
	var b bytes.Buffer
	if err := Write(&b, d); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	_, rest, _ := strings.Cut(text, `data-as="json">`)
	data, after, _ := strings.Cut(rest, "</script>")
	if strings.ContainsAny(data, "<>&\u2028\u2029") || !strings.HasPrefix(after, "\n<script>\"use strict\"") {
		t.Errorf("the data end early, or have markup in them")
	}
	var back map[string]any
	if err := json.Unmarshal([]byte(data), &back); err != nil || back["why"] != strings.ToValidUTF8(d.Why, "\ufffd\ufffd") &&
		!strings.HasPrefix(back["why"].(string), hostile[0]) {
		t.Errorf("the data are not what was given: %v", err)
	}
	if n := strings.Count(text, "<script"); n != 2+strings.Count(script(), "<script") {
		t.Errorf("there are %d scripts", n)
	}
}

// TestHostile has a browser open such a page: there is no script but its own, and what was
// to be one is there to be read.
func TestHostile(t *testing.T) {
	b := browser.Start(t)
	d := hostilePage(t)
	p := b.Open(t, saved(t, d), 1200, 900, false)
	p.Ready(ready)
	if got := p.Text(`[document.scripts.length, document.querySelectorAll("img, iframe, object, svg[onload], [onerror]").length]`); got != "2,0" {
		t.Errorf("scripts and foreign elements: %s", got)
	}
	if got := p.Text(`document.querySelector("h1").textContent`); !strings.HasPrefix(got, hostile[0]+"\n"+hostile[1]) {
		t.Errorf("the title is %q", got)
	}
	p.Eval(`for (let i = 0; i < page.c.rows.length; i++) page.ladder.select(page.ladder.placeOf(i), true)`, nil)
	if got := p.Text(`document.getElementById("details").textContent.includes("GET /")`); got != "true" {
		t.Error("the last request is not shown")
	}
	p.Screenshot(screenshots, "hostile")
}

// TestBundle bounds what every page carries.
func TestBundle(t *testing.T) {
	const most = 400_000
	if n := len(script()) + len(asset("page.css")) + len(asset("page.html")); n > most || n < 1000 {
		t.Errorf("script and style take %d bytes", n)
	}
}
