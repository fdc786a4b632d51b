"use strict";
// Plots of one connection, over time.

const plotHigh = 230, plotLeft = 68, plotBelow = 26, plotTop = 8;
let plotWide = 560;

// fitPlots makes plots no wider than what they stand in: text in a drawing that is made
// smaller cannot be read.
function fitPlots(width) { plotWide = Math.min(Math.max(width || 560, 260), 560); }

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

// seriesOf are, for each side of a connection, what it sent, and what the other said of it.
// Each element ends with the number of its row. Of wires that have a rate, by name, is how long
// packets took from one end to the other: what is above the delay, they waited in the queue.
function* seriesOf(c, root, rated) {
  const flow = c.flow.get(root) || { wscale: [-1, -1] };
  const scaled = flow.wscale[0] >= 0 && flow.wscale[1] >= 0;
  const both = [0, 1].map(() => ({ sent: [], resent: [], lost: [], acks: [], window: [], sack: [], zero: [], flight: [], rtt: [], wires: new Map(), bytes: 0, first: Infinity, last: 0 }));
  for (let i = 0; i < c.rows.length; i++) {
    if (i % 64 === 63) yield;
    const r = c.row(i), p = r.packets[0];
    if (!p || p.root !== root || p.flags === undefined) continue;
    const time = p.time, flags = p.flags, len = p.len;
    for (const s of both) { s.first = Math.min(s.first, time); s.last = Math.max(s.last, time); }
    const s = both[p.side], other = both[1 - p.side];
    if (rated.size) passed(c, r, rated, s.wires);
    const room = len + (/[SF]/.test(flags) ? 1 : 0);
    if (room > 0) {
      const bar = [time, p.seq, p.seq + room, i], kind = r.kind;
      if (kind === "dropped") s.lost.push(bar); else if (kind === "resent") s.resent.push(bar); else s.sent.push(bar);
      if (kind !== "dropped") s.bytes += len;
    }
    if (p.in_flight !== undefined) s.flight.push([time, p.in_flight, i]);
    const q = r.packets.filter((x) => x.rtt).pop(); // the sender's is the last one: nearer to the receiver it is shorter
    if (q) other.rtt.push([q.time, q.rtt, i]);
    if (flags.includes(".")) {
      const ack = p.ack, raw = p.win;
      other.acks.push([time, ack, i]);
      const win = flags.includes("S") || !scaled ? raw : raw * Math.pow(2, flow.wscale[p.side]);
      if (!flags.includes("R")) other.window.push([time, ack + win, i, win]);
      if (raw === 0 && !/[SFR]/.test(flags)) other.zero.push([time, ack, i]);
      for (const b of p.sack || []) other.sack.push([time, b[0], b[1], i]);
    }
  }
  for (const s of both) s.rtt.sort((a, b) => a[0] - b[0]);
  return both;
}

// passed adds how long a row's packet was on each wire that has a rate.
function passed(c, r, rated, wires) {
  for (let k = 1; k < r.packets.length; k++) {
    const a = r.packets[k - 1], b = r.packets[k], [from, to] = [a, b].map((p) => (c.points[p.point] || { name: "" }).name);
    const wire = to.slice(to.indexOf("/") + 1);
    if (from === to || !rated.has(wire) || from.slice(from.indexOf("/") + 1) !== wire) continue;
    if (!wires.has(wire)) wires.set(wire, []);
    wires.get(wire).push([a.time, b.time - a.time, r.index]);
  }
}

// ratedWires are the wires of a lab that have a rate, with what it is.
function ratedWires(lab) {
  const out = new Map();
  for (const w of lab ? lab.wires : []) for (const f of w.facts || []) if (f.name === "rate") out.set(w.name, f.text);
  return out;
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
  let told = "";
  for (const v of ticks(x0, x1, plotWide < 400 ? 3 : 5)) {
    const text = Number(v.toPrecision(6)) + " s";
    if (text === told) continue; // a time that is too short to be told apart
    told = text;
    g.append(svg("line", { class: "grid", x1: x(v), x2: x(v), y1: plotTop, y2: plotTop + h }), svg("text", { class: "tick", x: x(v), y: plotHigh - 8, "text-anchor": "middle" }, text));
  }
  return { g, x, y, points: [] };
}

// Of what falls on the same pixel, or on the same column of a line, as much is drawn as is
// seen: a plot of a hundred thousand packets has no more strokes than pixels.
const d1 = (v) => v.toFixed(1);

// once draws each stroke once.
function once(of, stroke) {
  const drawn = new Set();
  for (const x of of) drawn.add(stroke(x));
  return [...drawn].join("");
}

const half = (v) => String(Math.round(v * 2) / 2);
const bars = (f, of) => once(of, (b) => `M${half(f.x(b[0]))} ${half(f.y(b[1]))}V${half(Math.min(f.y(b[2]), f.y(b[1]) - 1.5))}`);
const dots = (f, of, s) => once(of, (p) => `M${half(f.x(p[0]) - s)} ${half(f.y(p[1]))}h${2 * s}m${-s} ${-s}v${2 * s}`);

// line draws steps. Of those in half a pixel it draws the first, the least, the most, the last.
function line(f, of) {
  let out = "", i = 0;
  while (i < of.length) {
    const x = half(f.x(of[i][0]));
    let least = i, most = i, last = i;
    for (; last + 1 < of.length && half(f.x(of[last + 1][0])) === x; last++) {
      if (of[last + 1][1] < of[least][1]) least = last + 1;
      if (of[last + 1][1] > of[most][1]) most = last + 1;
    }
    out += (out ? "H" : "M") + x;
    const ys = [...new Set([i, ...[least, most].sort((a, b) => a - b), last])].map((k) => d1(f.y(of[k][1])));
    out += (i ? ys : [" " + ys[0], ...ys.slice(1)]).map((y, k) => i === 0 && k === 0 ? y : "V" + y).join("");
    i = last + 1;
  }
  return out;
}

function put(f, cls, d) { if (d) f.g.append(svg("path", { class: cls, d })); }

// plotsOf are the plots of a connection for what one side sent: [title, drawing, legend].
// choose is told the number of a row.
function plotsOf(s, rated, choose) {
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
      let best = -1, least = 400;
      for (const [t, v, r] of f.points) {
        const d = Math.hypot(f.x(t) - px, f.y(v) - py);
        if (d < least) { least = d; best = r; }
      }
      if (best >= 0) choose(best);
    });
    out.push({ title, drawing: f.g, legend });
  };
  const seq = frameOf(`Sequence numbers over time: ${all.length} segments with ${amount(s.bytes)} bytes, ${s.resent.length} sent again, ${s.lost.length} lost`, x0, x1, 0, edges ? Math.max(top, edge) : top, amount);
  if (edges) put(seq, "p-window", line(seq, s.window));
  put(seq, "p-ack", line(seq, s.acks.filter((a, i, l) => !i || a[1] >= l[i - 1][1])));
  put(seq, "p-sent", bars(seq, s.sent));
  put(seq, "p-sack", once(s.sack, (b) => `M${half(seq.x(b[0]))} ${half(seq.y(b[1]))}V${half(seq.y(b[2]))}`));
  put(seq, "p-resent", bars(seq, s.resent) + dots(seq, s.resent.map((b) => [b[0], b[2]]), 4));
  put(seq, "p-lost", once(s.lost, (b) => `M${half(seq.x(b[0]) - 4)} ${half(seq.y(b[2]) - 4)}l8 8m0 -8l-8 8`) + bars(seq, s.lost));
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
  for (const [wire, of] of s.wires) {
    if (of.length < 2) continue;
    const most = Math.max(...fold(of, 1)), least = Math.min(...fold(of, 1));
    const f = frameOf(`Time on wire ${wire}, at most ${span(most)}`, x0, x1, 0, most, span);
    put(f, "p-flight", dots(f, of, 2));
    for (const p of of) f.points.push(p);
    add("Queue of wire " + wire, f, [["flight", `time on the wire, ${span(least)} to ${span(most)}`], ["none", "rate " + rated.get(wire) + ": what is above the least, packets waited"]]);
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
