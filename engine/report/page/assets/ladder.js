"use strict";
// The ladder: columns for nodes, a row a packet, drawn only where it is seen.

const signs = { dropped: "✕", reset: "⊘", resent: "↻", fault: "!", icmp: "◇", app: "◆", control: "●", ack: "", data: "" };
const fates = { dropped: "lost", reset: "reset", resent: "sent again", fault: "changed by a fault" };

// Ladder shows the rows of one capture that pass a filter.
class Ladder {
  constructor(c, events, chosen) {
    this.c = c;
    this.events = events || [];
    this.chosen = chosen; // is told which row is selected
    this.mode = "rows";
    this.zoom = 1;
    this.at = -1;
    this.marked = new Set();
    this.heads = el("div", { class: "heads", "aria-hidden": "true" });
    this.space = el("div", { class: "space" });
    this.lines = svg("svg", { class: "lines", "aria-hidden": "true" });
    this.layer = el("div", { class: "layer", role: "presentation" });
    this.space.append(this.lines, this.layer);
    this.view = el("div", { class: "rows", role: "listbox", tabindex: "0", "aria-label": "Packets, one a row" }, this.space);
    this.empty = el("p", { class: "empty", hidden: true }, "No packet is so.");
    this.root = el("div", { class: "ladder" }, this.heads, this.view, this.empty);
    this.view.addEventListener("scroll", () => this.later(), { passive: true });
    this.view.addEventListener("keydown", (e) => this.key(e));
    this.layer.addEventListener("click", (e) => {
      const row = e.target.closest("[data-i]");
      if (row) this.select(Number(row.dataset.i), true);
    });
    new ResizeObserver(() => this.arrange()).observe(this.view);
    addEventListener("beforeprint", () => this.print(true));
    addEventListener("afterprint", () => this.print(false));
    this.show(() => true);
  }

  // print draws all rows, as far as paper can be expected to last.
  print(on) {
    const most = 3000;
    this.printing = on;
    this.view.style.height = on ? Math.min(this.total, this.high * most) + "px" : "";
    this.drawn = null;
    this.draw();
  }

  // show has the rows of which a packet passes test, and what happened between them.
  show(test, withEvents) {
    const before = this.items && this.items[this.at];
    this.items = this.c.rows.filter((r) => r.packets.some(test)).map((row) => ({ t: row.time, row }));
    this.columns = visited(this.c, this.items.map((i) => i.row));
    if (withEvents !== false && this.items.length) {
      const events = this.events.map((event) => ({ t: event.at, event }));
      this.items = merge(this.items, events);
    }
    this.at = before ? this.items.findIndex((i) => before.row ? i.row === before.row : i.event === before.event) : -1;
    this.empty.hidden = this.items.length > 0;
    this.arrange();
    return this.items.filter((i) => i.row).length;
  }

  // arrange works out where everything stands.
  arrange() {
    const w = this.view.clientWidth || 800;
    const n = Math.max(this.columns.length - 1, 1);
    this.narrow = w < 620;
    this.high = this.narrow ? 50 : 26;
    this.left = this.narrow ? 22 : 150;
    const room = this.narrow ? w - 44 : Math.min(w * 0.5 - this.left + 60, n * 190);
    this.gap = Math.max(room / n, this.narrow ? 8 : 26);
    this.text = this.narrow ? 8 : this.left + n * this.gap + 26;
    let y = 6;
    const start = this.items.length ? this.items[0].t : 0, total = this.items.length ? this.items[this.items.length - 1].t - start : 0;
    const scale = total > 0 ? Math.max(this.items.length * this.high * 0.6, 600) * this.zoom / total : 0;
    let labelled = -Infinity;
    this.items.forEach((item, i) => {
      const d = i ? item.t - this.items[i - 1].t : 0;
      item.pause = 0;
      item.plain = true;
      if (this.mode === "time") {
        item.y = 6 + (item.t - start) * scale;
        item.plain = item.y - labelled >= this.high - 4;
        if (item.plain) labelled = item.y;
        y = item.y + this.high;
        return;
      }
      if (this.mode === "gaps" && d > 1e-4) {
        item.pause = d > 0.05 ? 22 : 0;
        y += Math.min(14 * Math.log10(d / 1e-4), 60) * this.zoom + item.pause;
      }
      item.y = y;
      y += this.high;
    });
    this.total = y + 10;
    this.space.style.height = this.total + "px";
    this.heads.replaceChildren(...this.columns.map((c, i) => {
      const e = el("span", { title: this.c.columns[c] }, this.c.columns[c]);
      e.style.left = this.left + i * this.gap + "px";
      e.style.maxWidth = Math.max(this.gap - 4, 24) + "px";
      return e;
    }));
    this.drawn = null;
    this.draw();
  }

  later() {
    if (this.waits) return;
    this.waits = true;
    requestAnimationFrame(() => { this.waits = false; this.draw(); });
  }

  // find is the first item at or below y.
  find(y) {
    let lo = 0, hi = this.items.length;
    while (lo < hi) {
      const mid = lo + hi >> 1;
      if (this.items[mid].y < y) lo = mid + 1; else hi = mid;
    }
    return lo;
  }

  // yAt is where a time stands, in modes where that tells something.
  yAt(t) {
    let lo = 0, hi = this.items.length;
    while (lo < hi) {
      const mid = lo + hi >> 1;
      if (this.items[mid].t <= t) lo = mid + 1; else hi = mid;
    }
    const a = this.items[Math.max(lo - 1, 0)], b = this.items[lo];
    if (!b || b.t <= a.t) return a.y;
    return a.y + (b.y - a.y) * Math.min((t - a.t) / (b.t - a.t), 1);
  }

  x(column) {
    const i = this.columns.indexOf(column);
    return this.left + Math.max(i, 0) * this.gap;
  }

  draw() {
    const top = this.printing ? 0 : this.view.scrollTop, height = this.view.clientHeight || 400;
    if (this.drawn && top >= this.drawn.from && top + height <= this.drawn.to) return;
    const extra = Math.max(height, 300);
    const from = Math.max(top - extra, 0), to = top + height + extra;
    this.drawn = { from: from ? from : -1, to: to >= this.total ? Infinity : to };
    let first = this.find(from - 80), last = this.find(to);
    const rows = [], marks = [];
    const span0 = from, h = Math.min(to, this.total) - from;
    const step = Math.max(Math.floor((last - first) / 1500), 1); // of a crowd some stand for all
    for (let i = first; i < last; i += step) {
      const item = this.items[i];
      if (item.plain || i === this.at) rows.push(this.rowElement(item, i));
      if (item.row) marks.push(...this.arrow(item, span0, i));
      if (item.pause) marks.push(svg("rect", { class: "pause", x: 0, y: item.y - item.pause - span0, width: "100%", height: item.pause }),
        svg("text", { class: "pausetext", x: this.narrow ? 8 : 10, y: item.y - item.pause / 2 + 4 - span0 }, "⋯ " + span(item.t - this.items[i - 1].t)));
    }
    this.layer.replaceChildren(...rows);
    const rails = this.columns.map((c) => svg("line", { class: "rail", x1: this.x(c), x2: this.x(c), y1: 0, y2: h }));
    this.lines.style.top = from + "px";
    this.lines.style.height = h + "px";
    this.lines.replaceChildren(...rails, ...marks);
    const now = this.items[this.at];
    this.view.setAttribute("aria-activedescendant", now ? "i" + this.at : "");
    if (!now) this.view.removeAttribute("aria-activedescendant");
  }

  rowElement(item, i) {
    const e = el("div", { class: "row", id: "i" + i, role: "option", "data-i": i, "aria-selected": i === this.at ? "true" : "false",
      "aria-setsize": this.items.length, "aria-posinset": i + 1 });
    e.style.top = item.y + "px";
    e.style.height = this.high + "px";
    if (item.event) {
      const v = item.event;
      e.classList.add("event", v.kind, v.kind === "step" || v.kind === "log" ? "told" : v.pass ? "pass" : "fail");
      const sign = v.kind === "step" ? "▸ " : v.kind === "log" ? "› " : v.pass ? "✓ " : "✗ ";
      e.append(el("span", { class: "t" }, seconds(item.t)), el("span", { class: "label" }, sign + (v.where ? v.where.replace(/^.*\//, "") + ": " : "") + v.text + (v.label ? " (" + v.label + ")" : "")));
      return e;
    }
    const r = item.row, c = this.c;
    e.classList.add(r.kind);
    if (this.marked.has(r.index)) e.classList.add("marked");
    const label = el("span", { class: "label" }, el("span", { class: "what" }, r.label));
    for (const [kind, text] of r.marks || []) if (kind !== "sign") label.append(" ", el("span", { class: "mark " + kind }, text));
    if (!this.narrow) label.style.left = this.text + "px";
    const way = c.columns[r.from] + " to " + c.columns[r.to] + (fates[r.kind] ? ", " + fates[r.kind] : "");
    e.append(el("span", { class: "n" }, "#" + r.frames[0]), " ", el("span", { class: "t" }, seconds(r.time)), " ", el("span", { class: "unseen" }, way + ": "), label);
    return e;
  }

  // arrow draws the way of a packet.
  arrow(item, top, i) {
    const r = item.row, mid = this.narrow ? this.high - 9 : this.high / 2;
    const path = pathOf(this.c, r).filter((p) => this.columns.includes(p[0]));
    const flat = this.mode === "rows";
    const pts = path.map((p) => [this.x(p[0]), (flat ? item.y : Math.max(this.yAt(p[1]), item.y)) + mid - top]);
    const out = [];
    const cls = "arrow " + r.kind + (r.unseen ? " unsure" : "") + (i === this.at ? " now" : "") + (this.marked.has(r.index) ? " marked" : "");
    if (pts.length < 2) {
      if (pts.length) out.push(svg("circle", { class: cls + " dot", cx: pts[0][0], cy: pts[0][1], r: 4 }));
      return out;
    }
    let end = pts[pts.length - 1], before = pts[pts.length - 2];
    for (let k = pts.length - 2; k > 0 && before[0] === end[0]; k--) before = pts[k - 1];
    if (r.stopped) end = pts[pts.length - 1] = [(before[0] + end[0]) / 2, (before[1] + end[1]) / 2];
    out.push(svg("path", { class: cls, d: "M" + pts.map((p) => p[0].toFixed(1) + " " + p[1].toFixed(1)).join("L") }));
    if (r.stopped) {
      out.push(svg("path", { class: "cross " + cls, d: `M${end[0] - 5} ${end[1] - 5}l10 10m0 -10l-10 10` }));
    } else if (before[0] !== end[0]) {
      const a = Math.atan2(end[1] - before[1], end[0] - before[0]), s = r.unseen ? 5 : 8;
      const p = (turn) => (end[0] - s * Math.cos(a + turn)).toFixed(1) + " " + (end[1] - s * Math.sin(a + turn)).toFixed(1);
      out.push(svg("path", { class: "head " + cls, d: `M${end[0].toFixed(1)} ${end[1].toFixed(1)}L${p(0.42)}L${p(-0.42)}Z` }));
    }
    path.forEach((p, k) => { // where a NAT or a fault changed it
      const q = p[2], was = k && path[k - 1][2];
      if (q && was && (q.src !== was.src || q.dst !== was.dst)) out.push(svg("rect", { class: "nat", x: pts[k][0] - 4, y: pts[k][1] - 4, width: 8, height: 8, transform: `rotate(45 ${pts[k][0]} ${pts[k][1]})` }));
    });
    return out;
  }

  // select chooses an item, and brings it into view.
  select(i, mine) {
    if (i < 0 || i >= this.items.length) return;
    this.at = i;
    const item = this.items[i];
    this.marked = item.row ? related(this.c, item.row) : new Set();
    this.reveal(i);
    this.drawn = null;
    this.draw();
    if (this.chosen) this.chosen(item, mine);
  }

  reveal(i) {
    const y = this.items[i].y, h = this.view.clientHeight;
    if (y < this.view.scrollTop + 8) this.view.scrollTop = y - h / 4;
    else if (y + this.high > this.view.scrollTop + h - 8) this.view.scrollTop = y - h * 0.6;
  }

  // goTo selects the packet of a frame; false if it is not shown.
  goTo(frame, mine) {
    const r = this.c.rowOf.get(frame);
    const i = r ? this.items.findIndex((x) => x.row === r) : -1;
    if (i >= 0) this.select(i, mine);
    return i >= 0;
  }

  // next is the next item for which test holds.
  next(test, by) {
    for (let i = this.at + by; i >= 0 && i < this.items.length; i += by) if (test(this.items[i])) return this.select(i, true);
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(Math.floor(this.view.clientHeight / this.high) - 1, 1), last = this.items.length - 1;
    const go = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: page, PageUp: -page }[e.key];
    const now = this.items[this.at];
    if (go) this.select(Math.min(Math.max(this.at + go, 0), last), true);
    else if (e.key === "Home") this.select(0, true);
    else if (e.key === "End") this.select(last, true);
    else if (e.key === "n" || e.key === "p") this.next((x) => x.row ? ["dropped", "reset", "resent", "fault", "icmp"].includes(x.row.kind) : !x.event.pass && x.event.kind === "expect", e.key === "n" ? 1 : -1);
    else if (e.key === "]" || e.key === "[") this.next((x) => x.row && now && now.row && x.row.root === now.row.root, e.key === "]" ? 1 : -1);
    else return;
    e.preventDefault();
  }
}

// merge joins what is sorted by time.
function merge(a, b) {
  const out = [];
  let k = 0;
  for (const x of a) {
    while (k < b.length && b[k].t < x.t) out.push(b[k++]);
    out.push(x);
  }
  return out.concat(b.slice(k));
}
