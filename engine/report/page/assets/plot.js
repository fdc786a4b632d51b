"use strict";
// Plots of one connection, over time.

const plotWide = 560, plotHigh = 230, plotLeft = 68, plotBelow = 26, plotTop = 8;

// steps are round numbers between two.
function ticks(lo, hi, most) {
  const raw = (hi - lo) / most || 1;
  const power = Math.pow(10, Math.floor(Math.log10(raw)));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw);
  const out = [];
  for (let v = Math.ceil(lo / step) * step; v <= hi + step * 1e-9; v += step) out.push(v);
  return out;
}

// amount writes a number with k and M.
function amount(v) {
  const a = Math.abs(v), n = (x) => String(Number(x.toPrecision(3)));
  if (a >= 1e9) return n(v / 1e9) + " G";
  if (a >= 1e6) return n(v / 1e6) + " M";
  if (a >= 1e4) return n(v / 1e3) + " k";
  return n(v);
}

// seriesOf are what one side of a connection sent, and what the other said of it.
function seriesOf(c, root, side) {
  const s = { sent: [], resent: [], lost: [], acks: [], window: [], sack: [], zero: [], flight: [], rtt: [], bytes: 0, first: Infinity, last: 0 };
  const flow = c.flow.get(root) || { wscale: [-1, -1] };
  const scaled = flow.wscale[0] >= 0 && flow.wscale[1] >= 0;
  for (const r of c.rows) {
    const p = r.packets[0];
    if (!p || p.root !== root || p.flags === undefined) continue;
    s.first = Math.min(s.first, p.time); s.last = Math.max(s.last, p.time);
    if (p.side === side) {
      const room = p.len + (/[SF]/.test(p.flags) ? 1 : 0);
      if (room > 0) {
        const bar = [p.time, p.seq, p.seq + room, r];
        if (r.kind === "dropped") s.lost.push(bar); else if (r.kind === "resent") s.resent.push(bar); else s.sent.push(bar);
        if (r.kind !== "dropped") s.bytes += p.len;
      }
      if (p.in_flight !== undefined) s.flight.push([p.time, p.in_flight, r]);
      continue;
    }
    if (p.rtt) s.rtt.push([p.time, p.rtt, r]);
    if (p.flags.includes(".")) {
      s.acks.push([p.time, p.ack, r]);
      const win = p.flags.includes("S") || !scaled ? p.win : p.win * Math.pow(2, flow.wscale[1 - side]);
      if (!p.flags.includes("R")) s.window.push([p.time, p.ack + win, r, win]);
      if (p.win === 0 && !/[SFR]/.test(p.flags)) s.zero.push([p.time, p.ack, r]);
      for (const b of p.sack || []) s.sack.push([p.time, b[0], b[1], r]);
    }
  }
  for (const r of c.rows) { // a round trip is seen where the packet is that completes it
    const p = r.packets[0];
    if (p && p.root === root && p.side !== side && !p.rtt) {
      const q = r.packets.find((x) => x.rtt);
      if (q) s.rtt.push([q.time, q.rtt, r]);
    }
  }
  s.rtt.sort((a, b) => a[0] - b[0]);
  return s;
}

// frameOf is a drawing with axes.
function frameOf(name, x0, x1, y0, y1, unit) {
  const w = plotWide - plotLeft - 8, h = plotHigh - plotBelow - plotTop;
  if (!(x1 > x0)) x1 = x0 + 1e-6;
  if (!(y1 > y0)) y1 = y0 + 1;
  const x = (t) => plotLeft + (t - x0) / (x1 - x0) * w, y = (v) => plotTop + h - (v - y0) / (y1 - y0) * h;
  const g = svg("svg", { class: "plot", viewBox: `0 0 ${plotWide} ${plotHigh}`, role: "img", "aria-label": name });
  for (const v of ticks(y0, y1, 5)) {
    g.append(svg("line", { class: "grid", x1: plotLeft, x2: plotWide - 8, y1: y(v), y2: y(v) }), svg("text", { class: "tick", x: plotLeft - 6, y: y(v) + 4, "text-anchor": "end" }, unit(v)));
  }
  for (const v of ticks(x0, x1, 5)) {
    g.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: plotTop, y2: plotTop + h }), svg("text", { class: "tick", x: x(v), y: plotHigh - 8, "text-anchor": "middle" }, Number(v.toPrecision(6)) + " s"));
  }
  return { g, x, y, points: [] };
}

const d1 = (v) => v.toFixed(1);
const bars = (f, of) => of.map((b) => `M${d1(f.x(b[0]))} ${d1(f.y(b[1]))}V${d1(Math.min(f.y(b[2]), f.y(b[1]) - 1.5))}`).join("");
const line = (f, of) => of.map((p, i) => i ? `H${d1(f.x(p[0]))}V${d1(f.y(p[1]))}` : `M${d1(f.x(p[0]))} ${d1(f.y(p[1]))}`).join("");
const dots = (f, of, s) => of.map((p) => `M${d1(f.x(p[0]) - s)} ${d1(f.y(p[1]))}h${2 * s}m${-s} ${-s}v${2 * s}`).join("");

function put(f, cls, d) { if (d) f.g.append(svg("path", { class: cls, d })); }

// plotsOf are the plots of a connection for what one side sent: [title, drawing, legend].
function plotsOf(c, root, side, choose) {
  const s = seriesOf(c, root, side);
  const out = [];
  const all = [...s.sent, ...s.resent, ...s.lost];
  if (!all.length && !s.acks.length) return out;
  const x0 = s.first, x1 = s.last;
  const top = Math.max(1, ...fold(all, 2), ...fold(s.acks, 1));
  const edge = Math.max(0, ...fold(s.window, 1));
  const edges = edge <= top * 3; // a window far above would squeeze all else
  const add = (title, f, legend) => {
    f.g.addEventListener("click", (e) => {
      const box = f.g.getBoundingClientRect();
      const px = (e.clientX - box.left) / box.width * plotWide, py = (e.clientY - box.top) / box.height * plotHigh;
      let best = null, least = 400;
      for (const [t, v, r] of f.points) {
        const d = Math.hypot(f.x(t) - px, f.y(v) - py);
        if (d < least) { least = d; best = r; }
      }
      if (best) choose(best);
    });
    out.push({ title, drawing: f.g, legend });
  };
  const seq = frameOf(`Sequence numbers over time: ${all.length} segments with ${amount(s.bytes)} bytes, ${s.resent.length} sent again, ${s.lost.length} lost`, x0, x1, 0, edges ? Math.max(top, edge) : top, amount);
  if (edges) put(seq, "p-window", line(seq, s.window));
  put(seq, "p-ack", line(seq, s.acks.filter((a, i, l) => !i || a[1] >= l[i - 1][1])));
  put(seq, "p-sent", bars(seq, s.sent));
  put(seq, "p-sack", s.sack.map((b) => `M${d1(seq.x(b[0]))} ${d1(seq.y(b[1]))}V${d1(seq.y(b[2]))}`).join(""));
  put(seq, "p-resent", bars(seq, s.resent) + dots(seq, s.resent.map((b) => [b[0], b[2]]), 4));
  put(seq, "p-lost", s.lost.map((b) => `M${d1(seq.x(b[0]) - 4)} ${d1(seq.y(b[2]) - 4)}l8 8m0 -8l-8 8`).join("") + bars(seq, s.lost));
  put(seq, "p-zero", dots(seq, s.zero, 5));
  for (const b of all) seq.points.push([b[0], (b[1] + b[2]) / 2, b[3]]);
  for (const a of s.acks) seq.points.push([a[0], a[1], a[2]]);
  add("Sequence numbers", seq, [["sent", "segments sent"], s.resent.length && ["resent", s.resent.length + " sent again"], s.lost.length && ["lost", s.lost.length + " lost"], ["ack", "acknowledged"], s.sack.length && ["sack", "SACK"], edges ? ["window", "window"] : null, s.zero.length && ["zero", "window 0"], edges ? null : ["none", "window up to " + amount(edge - top) + " above: not drawn"]].filter(Boolean));
  if (s.flight.length > 1) {
    const wins = s.window.map((p) => [p[0], p[3], p[2]]);
    const most = Math.max(...fold(s.flight, 1)), widest = Math.max(0, ...fold(wins, 1)), both = widest <= most * 4;
    const f = frameOf("Bytes in flight over time, at most " + amount(most), x0, x1, 0, both ? Math.max(most, widest) : most, amount);
    if (both) put(f, "p-window", line(f, wins));
    put(f, "p-flight", line(f, s.flight));
    for (const p of s.flight) f.points.push(p);
    add("Bytes in flight", f, [["flight", "in flight, at most " + amount(most)], both ? ["window", "window of the receiver"] : ["none", "window up to " + amount(widest) + ": not drawn"]]);
  }
  if (s.rtt.length) {
    const most = Math.max(...fold(s.rtt, 1));
    const f = frameOf("Round trips over time, at most " + span(most), x0, x1, 0, most, span);
    put(f, "p-rtt", dots(f, s.rtt, 3));
    for (const p of s.rtt) f.points.push(p);
    add("Round trips", f, [["rtt", s.rtt.length + " round trips, at most " + span(most)]]);
  }
  if (s.bytes > 0 && x1 > x0) {
    const n = 60, bins = Array(n).fill(0), each = (x1 - x0) / n;
    for (const b of s.sent.concat(s.resent)) bins[Math.min(Math.floor((b[0] - x0) / each), n - 1)] += b[2] - b[1];
    const rates = bins.map((v) => v * 8 / each), most = Math.max(...rates);
    const f = frameOf("Bits a second over time, at most " + amount(most), x0, x1, 0, most, amount);
    put(f, "p-rate", rates.map((v, i) => v ? `M${d1(f.x(x0 + i * each))} ${d1(f.y(0))}V${d1(f.y(v))}H${d1(f.x(x0 + (i + 1) * each))}V${d1(f.y(0))}Z` : "").join(""));
    add("Throughput", f, [["rate", "bits a second, in steps of " + span(each)]]);
  }
  return out;
}

// fold are the extremes of a column, few enough to be arguments.
function fold(of, i) {
  let lo = Infinity, hi = -Infinity;
  for (const x of of) { if (x[i] < lo) lo = x[i]; if (x[i] > hi) hi = x[i]; }
  return of.length ? [lo, hi] : [];
}
