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

const mostHosts = 12;

// openCapture finds its way in the packets of one capture: which packets a row is, and
// between which columns it is drawn.
function openCapture(c) {
  c.byFrame = new Map();
  for (const p of c.packets) c.byFrame.set(p.n, p);
  c.rowOf = new Map();
  c.flow = new Map();
  for (const f of c.connections) c.flow.set(f.stream, f);
  c.rows.forEach((r, i) => {
    r.index = i;
    r.packets = r.frames.map((n) => c.byFrame.get(n)).filter(Boolean);
    for (const n of r.frames) c.rowOf.set(n, r);
    r.root = r.packets.length && r.packets[0].root !== undefined ? r.packets[0].root : -1;
    r.kind = kindOf(r);
  });
  c.columns = c.nodes;
  if (!c.nodes.length) hostColumns(c);
  return c;
}

// hostColumns has a column for each host, where the capture names no nodes.
function hostColumns(c) {
  const at = new Map();
  c.columns = [];
  const column = (end) => {
    const host = hostOf(end);
    if (at.has(host)) return at.get(host);
    if (at.size < mostHosts) {
      at.set(host, c.columns.length);
      c.columns.push(c.names && c.names[host] || host || "?");
    } else {
      if (c.columns.length === mostHosts) c.columns.push("others");
      at.set(host, mostHosts);
    }
    return at.get(host);
  };
  for (const r of c.rows) {
    const p = r.packets[0];
    r.from = column(p && p.src);
    r.to = column(p && p.dst);
    r.stopped = r.unseen = false;
  }
}

// has reports whether a row has a mark of a kind.
function has(r, kind) { return (r.marks || []).some((m) => m[0] === kind); }

// kindOf is what is most remarkable about a row.
function kindOf(r) {
  const p = r.packets[0] || {};
  if (r.stopped || has(r, "dropped")) return "dropped";
  if (has(r, "reset") || p.flags && p.flags.includes("R")) return "reset";
  if (has(r, "sent") || (r.marks || []).some((m) => m[0] === "flag" && m[1].includes("retransmission"))) return "resent";
  if (has(r, "fault")) return "fault";
  if (p.proto === "icmp") return "icmp";
  if (has(r, "app")) return "app";
  if (p.flags && p.flags.includes("S") || p.flags && p.flags.includes("F")) return "control";
  if (p.flags && !p.len) return "ack";
  return "data";
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

// visited are the columns that rows visit, in order.
function visited(c, rows) {
  const seen = new Set();
  for (const r of rows) for (const at of pathOf(c, r)) seen.add(at[0]);
  return c.columns.map((_, i) => i).filter((i) => seen.has(i));
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
  if (!p.frame) return [];
  if (p.bytes) return p.bytes;
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const out = [];
  let held = 0, bits = 0;
  for (const ch of p.frame) {
    const v = letters.indexOf(ch);
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

// related are the rows that a row is about: what a reset answers, and what is sent again.
function related(c, r) {
  const out = new Set();
  const p = r.packets[0];
  if (!p) return out;
  if (p.rst && p.rst.answers) {
    const a = c.rowOf.get(p.rst.answers);
    if (a) out.add(a.index);
  }
  if (p.root !== undefined && p.len > 0) {
    for (const o of c.rows) {
      const q = o.packets[0];
      if (q && o !== r && q.root === p.root && q.side === p.side && q.len > 0 && q.seq < p.seq + p.len && p.seq < q.seq + q.len) out.add(o.index);
    }
  }
  return out;
}

// story is what a reader wants to know first, the gravest first: [kind, text, frames].
function story(doc, c) {
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
  const group = (kind, rows, text) => {
    if (rows.length) out.push({ kind, text: text(rows.length), frames: rows.map((r) => r.frames[0]) });
  };
  const packets = (n) => n === 1 ? "1 packet" : n + " packets";
  const drops = new Map(), resets = new Map(), resent = new Map();
  const into = (map, key, r) => map.has(key) ? map.get(key).push(r) : map.set(key, [r]);
  for (const r of c.rows) {
    for (const [kind, text] of r.marks || []) {
      if (kind === "dropped") into(drops, text, r);
      if (kind === "reset") into(resets, text.replace(/, answers #\d+/, ""), r);
      if (kind === "sent") into(resent, text.replace(/^rexmit \d+ ?/, "").replace(/timeout \d+ in a row/, "timeouts in a row").replace(/^\(|\)$/g, "") || "cause not known", r);
    }
  }
  for (const [text, rows] of drops) group("dropped", rows, (n) => packets(n) + " " + text);
  for (const [text, rows] of resets) group("reset", rows, (n) => (n === 1 ? "A reset: " : n + " resets: ") + text);
  for (const [text, rows] of resent) group("resent", rows, (n) => text.startsWith("keep-alive") || text.startsWith("window") ? packets(n) + ": " + text : packets(n) + " sent again: " + text);
  const icmp = new Map();
  for (const r of c.rows) {
    const p = r.packets[0];
    if (p && p.icmp_name && !p.icmp_name.startsWith("echo")) into(icmp, p.icmp_name, r);
  }
  for (const [text, rows] of icmp) group("icmp", rows, (n) => (n === 1 ? "An ICMP message: " : n + " ICMP messages: ") + text);
  let pause = null;
  for (let i = 1; i < c.rows.length; i++) {
    const d = c.rows[i].time - c.rows[i - 1].time;
    if (d > 0.15 && (!pause || d > pause.d)) pause = { d, r: c.rows[i] };
  }
  if (pause) out.push({ kind: "pause", text: "Nothing for " + span(pause.d) + ", the longest silence", frames: [pause.r.frames[0]] });
  return out;
}
