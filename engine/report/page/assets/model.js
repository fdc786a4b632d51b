"use strict";
// What the data of a page mean. It draws nothing, and knows no document of a browser.

// hostOf is the address in "192.0.2.1:80", "[2001:db8::1]:80" or an address alone.
function hostOf(end) {
  if (!end) return "";
  if (end[0] === "[") return end.slice(1, end.indexOf("]"));
  const first = end.indexOf(":");
  return first >= 0 && first === end.lastIndexOf(":") ? end.slice(0, first) : end;
}

// portOf is the port of an end, 0 if it has none.
function portOf(end) {
  if (!end) return 0;
  const at = end.lastIndexOf(":");
  if (at < 0 || end[0] !== "[" && end.indexOf(":") !== at) return 0;
  return Number(end.slice(at + 1)) || 0;
}

// Row is a row of the ladder, with the packets that it is.
class Row {
  constructor(c, i) { this.c = c; this.index = i; this.of = c.rows.at(i); }

  get frames() { return this.of.frames; }
  get time() { return this.of.time; }
  get stream() { return this.of.stream; }
  get from() { return this.of.from; }
  get to() { return this.of.to; }
  get stopped() { return Boolean(this.of.stopped); }
  get unseen() { return Boolean(this.of.unseen); }
  get kind() { return this.of.kind; }
  get label() { return this.of.label; }
  get marks() { return this.of.marks || []; }

  get packets() {
    if (!this.has) this.has = this.frames.map((n) => this.c.packet(n)).filter(Boolean);
    return this.has;
  }

  get root() {
    const p = this.packets[0];
    return p && p.root !== undefined ? p.root : -1;
  }
}

// openCapture finds its way in the packets of one capture. Packets are in the order of their
// frames, and rows in that of the first frame of each.
function openCapture(c) {
  c.flow = new Map();
  for (const f of c.connections) c.flow.set(f.stream, f);
  c.row = (i) => new Row(c, i);
  c.indexOf = (frame) => {
    const guess = c.packets.length ? frame - c.packets.at(0).n : -1;
    if (guess >= 0 && guess < c.packets.length && c.packets.at(guess).n === frame) return guess;
    return search(c.packets.length, (i) => c.packets.at(i).n, frame);
  };
  c.packet = (frame) => {
    const i = c.indexOf(frame);
    return i < 0 ? null : c.packets.at(i);
  };
  // rowOf is the number of the row that a frame is in, -1 for none.
  c.rowOf = (frame) => {
    if (!c.nodes.length) return c.indexOf(frame);
    let first = frame;
    for (let p = c.packet(frame); p && p.copy_of; p = c.packet(first)) {
      if (c.indexOf(p.copy_of) < 0) break;
      first = p.copy_of;
    }
    return search(c.rows.length, (i) => c.rows.at(i).frames[0], first);
  };
  return c;
}

// search is the place at which what rises is n, -1 if it is not there.
function search(length, at, n) {
  let lo = 0, hi = length;
  while (lo < hi) {
    const mid = lo + hi >> 1;
    if (at(mid) < n) lo = mid + 1; else hi = mid;
  }
  return lo < length && at(lo) === n ? lo : -1;
}

// pathOf is where the packet of a row was, and when: [column, seconds] for each point.
function pathOf(c, r) {
  const out = [];
  if (c.nodes.length) {
    for (const p of r.packets) {
      const point = c.points[p.point];
      if (point && point.node >= 0) out.push([point.node, p.time, p]);
    }
    const last = out[out.length - 1];
    if (last && last[0] !== r.to) out.push([r.to, last[1], null]);
    if (out.length === 1) out.push([r.to, out[0][1], null]);
    return out;
  }
  return [[r.from, r.time, r.packets[0]], [r.to, r.time, null]];
}

// found finds the rows of which a packet passes a test, and the columns that these visit.
function* found(c, test, into) {
  for (let i = 0; i < c.rows.length; i++) {
    if (i % 64 === 63) yield;
    const r = c.row(i);
    if (!r.packets.some(test)) continue;
    into.rows.push(i);
    if (r.packets.length > 1) for (const at of pathOf(c, r)) into.columns.add(at[0]);
    else into.columns.add(r.from).add(r.to);
  }
}

// seconds writes a time.
function seconds(t) { return (t < 0 ? "−" : "+") + Math.abs(t).toFixed(6); }

// span writes how long something took, with three digits.
function span(s) {
  const n = (v) => String(Number(v.toPrecision(3)));
  if (s < 1e-3) return n(s * 1e6) + " µs";
  if (s < 1) return n(s * 1e3) + " ms";
  return n(s) + " s";
}

// bytesOf are those of a frame, of base64.
function bytesOf(p) {
  if (p.bytes) return p.bytes;
  if (!p.frame) return [];
  const out = [];
  let held = 0, bits = 0;
  for (const ch of p.frame) {
    const v = letters64.indexOf(ch);
    if (v < 0) break;
    held = held << 6 | v;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      out.push(held >> bits & 255);
      held &= (1 << bits) - 1;
    }
  }
  return out;
}

// related are the numbers of the rows that a row is about: what a reset answers, and what is
// sent again.
function related(c, r) {
  const out = new Set();
  const p = r.packets[0];
  if (!p) return out;
  const add = (frame) => { const i = c.rowOf(frame); if (i >= 0 && i !== r.index) out.add(i); };
  if (p.rst && p.rst.answers) add(p.rst.answers);
  if (p.root === undefined || !(p.len > 0)) return out;
  const [root, side, len, seq] = ["root", "side", "len", "seq"].map((key) => c.packets.reader(key));
  for (let i = 0; i < c.packets.length; i++) {
    if (root(i) === p.root && side(i) === p.side && seq(i) < p.seq + p.len && len(i) > 0 && p.seq < seq(i) + len(i)) add(c.packets.at(i).n);
  }
  return out;
}

const remarkable = ["dropped", "reset", "resent", "fault", "icmp"];

// survey goes through all rows once, and finds what the page says of them before anybody has
// chosen one: what happened, the gravest first, what is remarkable about connections, and
// what packets tell of the lab.
function* survey(c, lab) {
  const drops = new Map(), resets = new Map(), resent = new Map(), icmp = new Map(), flows = new Map();
  const into = (map, key, frame) => map.has(key) ? map.get(key).push(frame) : map.set(key, [frame]);
  const see = lab ? seen(lab, c) : null;
  let pause = null, before = null;
  for (let i = 0; i < c.rows.length; i++) {
    if (i % 64 === 63) yield;
    const r = c.row(i), time = r.time;
    if (before !== null && time - before > 0.15 && (!pause || time - before > pause.d)) pause = { d: time - before, frame: r.frames[0] };
    before = time;
    if (see && (r.packets.length > 1 || remarkable.includes(r.kind))) see(r);
    if (!remarkable.includes(r.kind)) continue;
    const frame = r.frames[0], p = r.packets[0];
    if (["dropped", "reset", "resent"].includes(r.kind)) flows.set(r.root, (flows.get(r.root) || new Set()).add(r.kind));
    for (const [kind, text] of r.marks) {
      if (kind === "dropped") into(drops, text.replace(/queue full, .*/, "queue full"), frame);
      if (kind === "reset") into(resets, text.replace(/, answers #\d+/, ""), frame);
      if (kind === "sent") into(resent, text.replace(/^rexmit \d+ ?/, "").replace(/timeout \d+ in a row/, "timeouts in a row").replace(/^\(|\)$/g, "") || "cause not known", frame);
    }
    if (p && p.icmp_name && !p.icmp_name.startsWith("echo")) into(icmp, p.icmp_name, frame);
  }
  const out = [], packets = (n) => n === 1 ? "1 packet" : n + " packets";
  const group = (kind, map, text) => { for (const [key, frames] of map) out.push({ kind, text: text(key, frames.length), frames }); };
  group("dropped", drops, (text, n) => packets(n) + " " + text);
  group("reset", resets, (text, n) => (n === 1 ? "A reset: " : n + " resets: ") + text);
  group("resent", resent, (text, n) => text.startsWith("keep-alive") || text.startsWith("window") ? packets(n) + ": " + text : packets(n) + " sent again: " + text);
  group("icmp", icmp, (text, n) => (n === 1 ? "An ICMP message: " : n + " ICMP messages: ") + text);
  if (pause) out.push({ kind: "pause", text: "Nothing for " + span(pause.d) + ", the longest silence", frames: [pause.frame] });
  return { happened: out, flows };
}

// story is what a reader wants to know first: what failed, what was found, what happened.
function story(doc, happened) {
  const out = [];
  for (const e of doc.events || []) {
    if ((e.kind === "expect" || e.kind === "fault" || e.kind === "task") && !e.pass) {
      out.push({ kind: "failed", text: (e.line ? "line " + e.line + ": " : "") + (e.text || "") + (e.label ? " (" + e.label + ")" : ""), frames: e.frames || [], event: e });
    }
  }
  for (const f of doc.findings || []) {
    const first = (f.evidence || [])[0];
    out.push({ kind: "finding", text: f.title, aside: f.id + ", " + Math.round(f.confidence * 100) + " % sure", frames: first ? first.frames : [], capture: first ? first.capture : 0, finding: f });
  }
  return out.concat(happened);
}

// labOf is the network as the names of capture points tell it.
function labOf(c) {
  if (!c || !c.nodes.length) return null;
  const ends = new Map(), addrs = new Map();
  for (const p of c.points) {
    const at = p.name.indexOf("/");
    if (at < 0) continue;
    const node = p.name.slice(0, at), wire = p.name.slice(at + 1);
    ends.set(wire, (ends.get(wire) || []).concat(node));
    addrs.set(node, [...new Set((addrs.get(node) || []).concat(p.addresses || []))]);
  }
  return { nodes: c.nodes.map((name) => ({ name, addresses: addrs.get(name) || [] })),
    wires: [...ends].filter(([, e]) => e.length === 2).map(([name, e]) => ({ name, from: e[0], to: e[1] })) };
}

// seen makes a function that adds to a network what the packets of a row tell of it: faults,
// NAT, and where kernels threw something away.
function seen(lab, c) {
  const wires = new Map(lab.wires.map((w) => [w.name, w])), nodes = new Map(lab.nodes.map((n) => [n.name, n]));
  const told = new Set();
  const fact = (of, name, text) => {
    const key = of.name + " " + name + " " + text;
    if (told.has(key)) return;
    told.add(key);
    of.facts = (of.facts || []).concat({ name, text: text.length > 40 ? text.slice(0, 39) + "…" : text });
  };
  return (r) => {
    let before = null;
    for (const p of r.packets) {
      const point = (c.points[p.point] || {}).name || "", at = point.indexOf("/");
      const node = nodes.get(point.slice(0, at)), wire = wires.get(point.slice(at + 1));
      for (const text of [p.dropped, p.fault]) {
        if (!text) continue;
        const m = /^(\w+):(\w+)/.exec(text);
        if (m && wires.has(m[1])) fact(wires.get(m[1]), "fault", m[2]);
        else if (m && nodes.has(m[1])) fact(nodes.get(m[1]), "", m[2]);
        else if (wire && p.dropped === text && text === "queue full") fact(wire, "queue", "full");
      }
      if (p.kernel_drop && node) fact(node, "drops", p.kernel_drop.split(" ")[0]);
      if (before && node && (before.src !== p.src || before.dst !== p.dst)) fact(node, "", "NAT");
      before = p;
    }
  };
}
