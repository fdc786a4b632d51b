"use strict";
// The ladder: columns for nodes, a row a packet, drawn only where it is seen.

const signs = { dropped: "✕", reset: "⊘", resent: "↻", fault: "!", icmp: "◇", app: "◆", control: "●", ack: "", data: "" };
const fates = { dropped: "lost", reset: "reset", resent: "sent again", fault: "changed by a fault" };

const pauseHigh = 22; // pixels that say that nothing was for a while

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
    this.put({ rows: null, columns: c.visited }, true);
  }

  // print draws all rows, as far as paper can be expected to last.
  print(on) {
    const most = 3000;
    this.printing = on;
    this.view.style.height = on ? Math.min(this.total, this.high * most) + "px" : "";
    this.drawn = null;
    this.draw();
  }

  // show has the rows of which a packet passes test, or all, and what happened between them.
  // tell is told how many there are so far, and whether these are all.
  async show(test, withEvents, tell) {
    const mine = this.showing = {}, into = { rows: [], columns: new Set() };
    let early = false;
    const put = () => this.put({ rows: into.rows, columns: this.c.columns.map((_, i) => i).filter((i) => into.columns.has(i)) }, withEvents);
    if (!test) {
      this.put({ rows: null, columns: this.c.visited }, withEvents);
    } else {
      const whole = await inTurns((function* (c) { yield* found(c, test, into); return true; })(this.c), () => {
        if (this.showing !== mine) return false;
        if (!early && into.rows.length) { put(); early = true; }
        tell(into.rows.length, false);
        return true;
      });
      if (!whole || this.showing !== mine) return;
      put();
    }
    this.showing = null;
    tell(this.shown, true);
  }

  // put takes in which rows there are: their numbers, or null for all. Items are rows and,
  // as numbers below 0, events.
  put({ rows, columns }, withEvents) {
    const before = this.at >= 0 ? this.number(this.at) : null, n = rows ? rows.length : this.c.rows.length;
    this.shown = n;
    this.columns = columns;
    const events = withEvents && n ? this.events : [];
    this.order = rows ? Int32Array.from(rows) : null;
    if (events.length) {
      const all = new Int32Array(n + events.length), time = this.c.rows.reader("time");
      let to = 0, k = 0;
      for (let i = 0; i < n; i++) {
        const row = rows ? rows[i] : i, t = time(row);
        while (k < events.length && events[k].at < t) all[to++] = -1 - k++;
        all[to++] = row;
      }
      while (k < events.length) all[to++] = -1 - k++;
      this.order = all;
    }
    this.length = n + events.length;
    this.at = before === null ? -1 : this.placeOf(before);
    this.empty.hidden = this.length > 0;
    this.arrange();
  }

  // number is that of the row at a place, below 0 for an event; placeOf where it stands.
  number(i) { return this.order ? this.order[i] : i; }
  placeOf(number) { return this.order ? this.order.indexOf(number) : number < this.length ? number : -1; }

  timeOf(i) {
    const n = this.number(i);
    return n < 0 ? this.events[-1 - n].at : this.c.rows.at(n).time;
  }

  // item is what stands at a place.
  item(i) {
    const n = this.number(i);
    return n < 0 ? { t: this.events[-1 - n].at, event: this.events[-1 - n] } : { t: this.c.rows.at(n).time, row: this.c.row(n) };
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
    this.place();
    this.space.style.height = this.total + "px";
    this.view.style.setProperty("--total", this.total + 4 + "px");
    this.heads.replaceChildren(...this.columns.map((c, i) => {
      const e = el("span", { title: this.c.columns[c] }, this.c.columns[c]);
      e.style.left = this.left + i * this.gap + "px";
      e.style.maxWidth = Math.max(this.gap - 4, 24) + "px";
      return e;
    }));
    this.drawn = null;
    this.draw();
  }

  // place works out how far down each item stands. Browsers lose their way beyond some
  // millions of pixels.
  place() {
    const n = this.length, most = 16e6;
    this.ys = this.mode === "rows" ? null : new Float64Array(n);
    this.plain = this.mode === "time" ? new Uint8Array(n) : null;
    let y = 6;
    if (this.mode === "time") {
      const start = n ? this.timeOf(0) : 0, total = n ? this.timeOf(n - 1) - start : 0;
      const scale = total > 0 ? Math.min(Math.max(n * this.high * 0.6, 600) * this.zoom, most) / total : 0;
      let labelled = -Infinity;
      for (let i = 0; i < n; i++) {
        this.ys[i] = 6 + (this.timeOf(i) - start) * scale;
        if (this.ys[i] - labelled >= this.high - 4) { this.plain[i] = 1; labelled = this.ys[i]; }
        y = this.ys[i] + this.high;
      }
    } else if (this.mode === "gaps") {
      let before = n ? this.timeOf(0) : 0;
      const zoom = Math.min(this.zoom, most / (n * 60 || 1));
      for (let i = 0; i < n; i++) {
        const t = this.timeOf(i), d = t - before;
        if (d > 1e-4) y += Math.min(14 * Math.log10(d / 1e-4), 60) * zoom + (d > 0.05 ? pauseHigh : 0);
        this.ys[i] = y;
        y += this.high;
        before = t;
      }
    } else {
      y += n * this.high;
    }
    this.total = y + 10;
  }

  // y is where an item stands, pauseAt how long nothing was before it, if that is drawn.
  y(i) { return this.ys ? this.ys[i] : 6 + i * this.high; }
  pauseAt(i) {
    if (this.mode !== "gaps" || !i) return 0;
    const d = this.timeOf(i) - this.timeOf(i - 1);
    return d > 0.05 ? d : 0;
  }

  // later draws what is seen before the next picture, and what is near it once the reader
  // has stopped.
  later() {
    if (!this.waits) {
      this.waits = true;
      requestAnimationFrame(() => { this.waits = false; this.draw(true); });
    }
    clearTimeout(this.rests);
    this.rests = setTimeout(() => this.draw(), 150);
  }

  // find is the first item at or below y.
  find(y) {
    if (!this.ys) return Math.min(Math.max(Math.ceil((y - 6) / this.high), 0), this.length);
    let lo = 0, hi = this.length;
    while (lo < hi) {
      const mid = lo + hi >> 1;
      if (this.ys[mid] < y) lo = mid + 1; else hi = mid;
    }
    return lo;
  }

  // yAt is where a time stands, in modes where that tells something.
  yAt(t) {
    let lo = 0, hi = this.length;
    while (lo < hi) {
      const mid = lo + hi >> 1;
      if (this.timeOf(mid) <= t) lo = mid + 1; else hi = mid;
    }
    const a = Math.max(lo - 1, 0);
    if (lo >= this.length || this.timeOf(lo) <= this.timeOf(a)) return this.y(a);
    const from = this.timeOf(a);
    return this.y(a) + (this.y(lo) - this.y(a)) * Math.min((t - from) / (this.timeOf(lo) - from), 1);
  }

  x(column) {
    const i = this.columns.indexOf(column);
    return this.left + Math.max(i, 0) * this.gap;
  }

  draw(quick) {
    const top = this.printing ? 0 : this.view.scrollTop, height = this.view.clientHeight || 400;
    if (this.drawn && top >= this.drawn.from && top + height <= this.drawn.to && (quick || !this.drawn.quick)) return;
    const extra = quick ? 2 * this.high : Math.max(height, 300);
    const from = Math.max(top - extra, 0), to = top + height + extra;
    const had = this.drawn ? this.elements : new Map(); // what stays is left alone: a mouse may be on it
    this.elements = new Map();
    this.drawn = { from: from ? from : -1, to: to >= this.total ? Infinity : to, quick };
    const first = this.find(from - 80), last = this.find(to);
    const marks = [];
    const h = Math.min(to, this.total) - from;
    const step = Math.max(Math.floor((last - first) / 1500), 1); // of a crowd some stand for all
    for (let i = first; i < last; i += step) {
      const item = this.item(i), y = this.y(i);
      if (!this.plain || this.plain[i] || i === this.at) this.elements.set(i, had.get(i) || this.rowElement(item, i, y));
      if (item.row) marks.push(...this.arrow(item, y, from, i));
      const pause = this.pauseAt(i);
      if (pause) marks.push(svg("rect", { class: "pause", x: 0, y: y - pauseHigh - from, width: "100%", height: pauseHigh }),
        svg("text", { class: "pausetext", x: this.narrow ? 8 : 10, y: y - pauseHigh / 2 + 4 - from }, "⋯ " + span(pause)));
    }
    for (const e of [...this.layer.children]) if (this.elements.get(Number(e.dataset.i)) !== e) e.remove();
    let next = this.layer.firstChild;
    for (const e of this.elements.values()) {
      if (e === next) next = next.nextSibling; else this.layer.insertBefore(e, next);
    }
    const rails = this.columns.map((c) => svg("line", { class: "rail", x1: this.x(c), x2: this.x(c), y1: 0, y2: h }));
    this.lines.style.top = from + "px";
    this.lines.style.height = h + "px";
    this.lines.replaceChildren(...rails, ...marks);
    if (this.at >= 0) this.view.setAttribute("aria-activedescendant", "i" + this.at);
    else this.view.removeAttribute("aria-activedescendant");
  }

  rowElement(item, i, y) {
    const e = el("div", { class: "row", id: "i" + i, role: "option", "data-i": i, "aria-selected": i === this.at ? "true" : "false",
      "aria-setsize": this.length, "aria-posinset": i + 1 });
    e.style.top = y + "px";
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
    for (const [kind, text] of r.marks) if (kind !== "sign") label.append(" ", el("span", { class: "mark " + kind }, text));
    if (!this.narrow) label.style.left = this.text + "px";
    const way = c.columns[r.from] + " to " + c.columns[r.to] + (fates[r.kind] ? ", " + fates[r.kind] : "");
    e.append(el("span", { class: "n" }, "#" + r.frames[0]), " ", el("span", { class: "t" }, seconds(r.time)), " ", el("span", { class: "unseen" }, way + ": "), label);
    return e;
  }

  // arrow draws the way of a packet.
  arrow(item, y, top, i) {
    const r = item.row, mid = this.narrow ? this.high - 9 : this.high / 2;
    const path = pathOf(this.c, r).filter((p) => this.columns.includes(p[0]));
    const flat = this.mode === "rows";
    const pts = path.map((p) => [this.x(p[0]), (flat ? y : Math.max(this.yAt(p[1]), y)) + mid - top]);
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
    if (i < 0 || i >= this.length) return;
    this.at = i;
    const item = this.item(i);
    this.marked = item.row ? related(this.c, item.row) : new Set();
    this.reveal(i);
    this.drawn = null;
    this.draw();
    if (this.chosen) this.chosen(item, mine);
  }

  reveal(i) {
    const y = this.y(i), h = this.view.clientHeight;
    if (y < this.view.scrollTop + 8) this.view.scrollTop = y - h / 4;
    else if (y + this.high > this.view.scrollTop + h - 8) this.view.scrollTop = y - h * 0.6;
  }

  // goTo selects the packet of a frame; false if it is not shown.
  goTo(frame, mine) {
    const row = this.c.rowOf(frame), i = row < 0 ? -1 : this.placeOf(row);
    if (i >= 0) this.select(i, mine);
    return i >= 0;
  }

  // next is where the next item stands for which test holds, -1 for nowhere.
  next(test, by, from) {
    for (let i = (from === undefined ? this.at : from) + by; i >= 0 && i < this.length; i += by) if (test(this.item(i))) return i;
    return -1;
  }

  key(e) {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const page = Math.max(Math.floor(this.view.clientHeight / this.high) - 1, 1), last = this.length - 1;
    const go = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1, PageDown: page, PageUp: -page }[e.key];
    const now = this.at >= 0 ? this.item(this.at) : null;
    if (go) this.select(Math.min(Math.max(this.at + go, 0), last), true);
    else if (e.key === "Home") this.select(0, true);
    else if (e.key === "End") this.select(last, true);
    else if (e.key === "n" || e.key === "p") this.select(this.next((x) => x.row ? remarkable.includes(x.row.kind) : !x.event.pass && x.event.kind === "expect", e.key === "n" ? 1 : -1), true);
    else if (e.key === "]" || e.key === "[") this.select(this.next((x) => x.row && now && now.row && x.row.root === now.row.root, e.key === "]" ? 1 : -1), true);
    else return;
    e.preventDefault();
  }
}
