package page

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/testutil/browser"
)

// long is a capture of so many packets: one connection that carries data.
func long(t testing.TB, n int) string {
	t.Helper()
	var e pcap.Encoder
	b := e.Interface(e.Section(nil, "", "", ""), pcap.Interface{Link: pcap.Ethernet})
	client, server := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	const size = 1000
	payload := make([]byte, size)
	for i := range n {
		p := build.Packet{Src: server, Dst: client, Proto: packet.ProtoTCP, SrcPort: 80, DstPort: 4000, Seq: uint32(i) * size,
			Ack: 1, Flags: packet.ACK, Window: 1000, Payload: payload}
		if i%3 == 2 {
			p = build.Packet{Src: client, Dst: server, Proto: packet.ProtoTCP, SrcPort: 4000, DstPort: 80, Seq: 1,
				Ack: uint32(i) * size, Flags: packet.ACK, Window: 1000}
		}
		f, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		b = e.Packet(b, &pcap.Frame{Time: int64(i) * 1e5, Data: f, Length: len(f)})
	}
	path := filepath.Join(t.TempDir(), "long.pcapng")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// scrolled are frames a second while the ladder is scrolled through, for two seconds.
const scrolled = `new Promise((done) => {
	const v = page.ladder.view, start = performance.now(), far = v.scrollHeight - v.clientHeight;
	let n = 0;
	const step = () => {
		const t = (performance.now() - start) / 2000;
		if (t >= 1) return done(n / 2);
		n++;
		v.scrollTop = far * t;
		requestAnimationFrame(step);
	};
	requestAnimationFrame(step);
})`

// filtered is how long the script of a page goes through all packets for a filter, and the
// longest time in which the browser had no turn.
const filtered = `(async () => {
	let longest = 0, done = false;
	const watch = (async () => {
		for (let before = performance.now(); !done;) {
			await pause();
			const now = performance.now();
			longest = Math.max(longest, now - before);
			before = now;
		}
	})();
	const start = performance.now();
	page.input.value = "len>=1 !tcp=syn payload=x,y";
	await page.filter();
	const took = performance.now() - start;
	done = true;
	await watch;
	page.input.value = "";
	await page.filter();
	return [took, longest];
})()`

// blocked are the tasks of 50 ms and more until the page was ready: how many, and the longest.
const blocked = `new Promise((done) => {
	const o = new PerformanceObserver((list) => {
		const all = list.getEntries();
		done([all.length, Math.max(...all.map((e) => e.duration))]);
	});
	o.observe({ type: "longtask", buffered: true });
	setTimeout(() => done([0, 0]), 500);
})`

// BenchmarkLong opens the page of a hundred thousand packets.
func BenchmarkLong(b *testing.B) {
	const packets = 100_000
	path := pageOf(b, long(b, packets))
	st, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	chromium := browser.Start(b)
	for b.Loop() {
		began := time.Now()
		p := chromium.Open(b, path, 1600, 1000, false)
		p.Ready(ready)
		b.ReportMetric(time.Since(began).Seconds(), "s-to-ready")
		var tasks, search [2]float64
		var frames, painted, elements float64
		p.Eval(blocked, &tasks)
		before := p.Worked()
		p.Eval(scrolled, &frames)
		b.ReportMetric((p.Worked()-before)*1000/(2*frames), "cpu-ms/frame")
		p.Eval(filtered, &search)
		p.Eval(`performance.getEntriesByName("first-contentful-paint").map((e) => e.startTime / 1000)[0] || 0`, &painted)
		p.Eval(`document.getElementsByTagName("*").length`, &elements)
		if elements > 5000 {
			b.Errorf("the page has %g elements", elements)
		}
		objects, buffers := p.Memory()
		b.ReportMetric(painted, "s-to-first-paint")
		b.ReportMetric(frames, "frames/s")
		b.ReportMetric(float64(objects)/1e6, "MB-objects")
		b.ReportMetric(float64(buffers)/1e6, "MB-buffers")
		b.ReportMetric(search[0], "ms-filter")
		b.ReportMetric(search[1], "ms-longest-of-filter")
		b.ReportMetric(tasks[0], "long-tasks")
		b.ReportMetric(tasks[1], "ms-longest-task")
	}
	b.ReportMetric(float64(st.Size())/1e6, "MB-file")
}

// TestLong draws few of many packets, wherever the reader is among them.
func TestLong(t *testing.T) {
	const packets = 20_000
	chromium := browser.Start(t)
	p := chromium.Open(t, pageOf(t, long(t, packets)), 1200, 800, true)
	p.Ready(ready)
	for _, at := range []string{"0", "0.5", "1"} {
		p.Eval(`page.ladder.view.scrollTop = `+at+` * page.ladder.view.scrollHeight; page.ladder.draw()`, nil)
		var rows, elements int
		p.Eval(`document.querySelectorAll(".row").length`, &rows)
		p.Eval(`document.getElementsByTagName("*").length`, &elements)
		if rows < 20 || elements > 3000 {
			t.Errorf("at %s of the ladder: %d rows, %d elements", at, rows, elements)
		}
	}
	if got := p.Text(`page.ladder.item(page.ladder.length - 1).row.frames[0]`); got != "20000" {
		t.Errorf("the last packet is %s", got)
	}
}
