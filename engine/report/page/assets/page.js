"use strict";
// Puts the parts of a page together.

const say = (text) => { $("said").textContent = text; };
const copyButton = (text) => button("copy", (e) => {
  const done = () => { e.target.textContent = "copied"; say("copied"); };
  if (navigator.clipboard) navigator.clipboard.writeText(text).then(done, () => say("could not be copied"));
}, { class: "small", "aria-label": "copy " + text });

// Page is what is shown, and what is chosen in it.
class Page {
  constructor(doc) {
    this.doc = doc;
    if (!doc.captures.length) doc.captures.push({ name: "no packets", nodes: [], columns: [], visited: [], points: [], names: {}, fields: [], connections: [], packets: new Plain([]), rows: new Plain([]) });
    doc.captures.forEach(openCapture);
    this.c = doc.captures[0];
    this.flow = null;
    this.tab = "packet";
    this.head();
    if (doc.compared) {
      $("compared").hidden = false;
      $("compared").replaceChildren(...comparison(doc, (frame, capture) => this.visit(frame, capture)));
    }
    this.source();
    this.foot();
    document.addEventListener("keydown", (e) => this.key(e));
    this.open(0).then(() => { document.documentElement.dataset.ready = "true"; });
  }

  head() {
    const d = this.doc, n = d.captures.reduce((a, c) => a + c.rows.length, 0);
    const badge = d.verdict ? el("span", { class: "badge " + d.verdict }, d.word || d.verdict) : null;
    const facts = [n === 1 ? "1 packet" : n + " packets"];
    if (this.c && this.c.rows.length) facts.push(span(this.c.rows.at(this.c.rows.length - 1).time - this.c.rows.at(0).time || 0));
    if (d.took) facts.push("ran for " + span(d.took));
    if (this.c && this.c.start) facts.push(this.c.start.replace("T", " ").replace(/\.\d+Z$/, " UTC"));
    const theme = themeButton();
    const keys = button("?", () => { const k = $("keys"); k.hidden = !k.hidden; }, { class: "round", "aria-label": "keys", title: "keys" });
    $("top").replaceChildren(el("div", { class: "bar" }, el("span", { class: "brand" }, "netrepro"), el("span", { class: "grow" }), keys, theme),
      el("div", { class: "title" }, el("h1", {}, d.title), badge || ""),
      el("p", { class: "facts" }, facts.join(" · ")), el("p", { class: "about", hidden: !d.about }, d.about),
      el("div", { id: "keys", class: "notice", hidden: true }, el("dl", {}, ...[["↑ ↓", "the packet before, after"], ["n p", "what is remarkable next, before"], ["[ ]", "before, after in the same connection"], ["Home End", "first, last"], ["/", "the filter"], ["Esc", "no filter"]].map(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]))));
  }

  // open shows a capture: its packets first, and then what a look at all of them finds.
  async open(i) {
    this.number = i;
    const c = this.c = this.doc.captures[i];
    this.flow = this.row = null;
    this.packets();
    this.details(null);
    const lab = i === 0 && !this.drawn ? this.doc.lab || labOf(c) : null;
    if (!c.survey) c.survey = await inTurns(survey(c, lab), () => this.c === c);
    if (!c.survey) return;
    if (lab) this.lab(lab);
    this.tale = story(this.doc, c.survey.happened);
    this.story();
    this.flows();
    if (this.ladder.at >= 0) return; // the reader was quicker
    const first = this.tale.find((x) => x.frames.length && (x.capture === undefined || x.capture === i));
    if (first) this.ladder.goTo(first.frames[0], false);
    else if (c.rows.length) this.ladder.select(this.ladder.next((x) => x.row, 1, -1), false);
    this.ladder.view.scrollTop = Math.max(this.ladder.view.scrollTop, 0);
  }

  story() {
    const all = this.tale, at = $("story");
    const most = 7;
    at.hidden = false;
    const signs = { failed: "✗", finding: "➜", dropped: "✕", reset: "⊘", resent: "↻", icmp: "◇", pause: "⋯" };
    const item = (s) => {
      const frames = s.frames.slice(0, 6).map((f) => button("#" + f, () => this.visit(f, s.capture), { class: "frame", "aria-label": "packet " + f }));
      if (s.frames.length > 6) frames.push(el("span", { class: "more" }, "and " + (s.frames.length - 6) + " more"));
      const li = el("li", { class: s.kind }, el("span", { class: "sign", "aria-hidden": "true" }, signs[s.kind]), el("span", { class: "text" }, s.text, s.aside ? el("span", { class: "aside" }, " " + s.aside) : null), el("span", { class: "frames" }, frames));
      if (s.event && s.event.ladder && s.event.ladder.length && !s.frames.length) li.append(el("pre", { class: "evidence", tabindex: "0" }, s.event.ladder.join("\n")));
      if (s.finding) {
        const f = s.finding, more = [];
        const list = (title, of) => { if (of && of.length) more.push(el("h3", {}, title), el("ul", {}, of.map((x) => el("li", {}, x)))); };
        list("What speaks for it", (f.signs || []).filter((x) => x.weight >= 0).map((x) => x.text));
        list("What speaks against it", (f.signs || []).filter((x) => x.weight < 0).map((x) => x.text));
        list("It is not", f.not);
        list("What to try", f.try);
        if (f.measured) more.push(el("h3", {}, "Measured"), el("p", { class: "hint" }, f.measured));
        for (const e of (f.evidence || []).slice(1)) more.push(el("h3", {}, "Seen in " + this.doc.captures[e.capture].name + " too"), el("p", {}, e.frames.slice(0, 12).map((n) => button("#" + n, () => this.visit(n, e.capture), { class: "frame" }))));
        if (f.scenario) more.push(el("h3", {}, "The shipped scenario that shows the same"), el("code", {}, "netrepro run " + f.scenario));
        li.append(el("div", { class: "says" }, f.flow ? el("p", { class: "hint" }, "connection " + f.flow) : null, el("p", {}, f.summary), el("details", {}, el("summary", {}, "why, what it is not, what to try"), more)));
      }
      return li;
    };
    const parts = [el("h2", {}, "What happened" + (this.doc.compared ? " in " + this.c.name : ""))];
    if (this.doc.why) parts.push(el("pre", { class: "why", tabindex: "0" }, this.doc.why));
    const list = el("ul", {}, all.slice(0, most).map(item));
    if (!all.length && !this.doc.why && this.c.rows.length) list.append(el("li", { class: "fine" }, el("span", { class: "sign", "aria-hidden": "true" }, "✓"), el("span", { class: "text" }, "Nothing was lost, reset or sent again.")));
    parts.push(list);
    if (all.length > most) parts.push(button("and " + (all.length - most) + " more", (e) => { list.append(...all.slice(most).map(item)); e.target.remove(); }, { class: "small" }));
    for (const r of this.doc.remarks || []) parts.push(el("p", { class: "notice" }, r));
    at.replaceChildren(...parts);
  }

  lab(lab) {
    this.drawn = true;
    if (lab.nodes.length < 2) return;
    $("lab").hidden = false;
    $("lab").replaceChildren(el("h2", {}, "The network"), el("div", { class: "draw", tabindex: "0", role: "group", "aria-label": "Drawing of the network" }, drawLab(lab)));
  }

  // way marks the wires that a packet passes.
  way(row) {
    const on = new Set();
    if (row) for (const p of row.packets) {
      const name = (this.c.points[p.point] || {}).name || "";
      on.add(name.slice(name.indexOf("/") + 1));
      on.add("n:" + name.slice(0, name.indexOf("/")));
    }
    for (const e of $("lab").querySelectorAll("[data-wire]")) e.classList.toggle("on", on.has(e.dataset.wire));
  }

  flows() {
    const c = this.c, at = $("flows");
    const roots = c.connections.filter((f) => f.root === f.stream);
    at.hidden = roots.length === 0;
    const rows = (of) => of.map((f) => {
      const b = el("button", { type: "button", class: "flow", "aria-pressed": this.flow === f.stream ? "true" : "false", "data-flow": f.stream, on: { click: () => this.chooseFlow(this.flow === f.stream ? null : f.stream) } },
        el("span", { class: "id" }, f.stream), el("span", { class: "ends" }, f.names[0] + " → " + f.names[1]),
        el("span", { class: "count" }, f.packets[0] + " + " + f.packets[1]));
      for (const kind of c.survey.flows.get(f.stream) || []) b.append(el("span", { class: "tag " + kind }, kind === "dropped" ? "loss" : kind === "resent" ? "sent again" : kind));
      return b;
    });
    const most = 60;
    const list = el("div", { class: "list" }, rows(roots.slice(0, most)));
    const parts = [el("h2", {}, roots.length === 1 ? "1 connection" : roots.length + " connections"), list];
    if (roots.length > most) parts.push(el("p", { class: "more" }, "The first " + most + ". Others: filter with flow=…"));
    if (this.doc.captures.length > 1) {
      const choose = el("select", { id: "capture", "aria-label": "Capture", on: { change: (e) => this.open(Number(e.target.value)) } }, this.doc.captures.map((x, i) => el("option", { value: i, selected: i === this.number }, x.name)));
      parts.unshift(choose);
      at.hidden = false;
    }
    at.replaceChildren(...parts);
  }

  chooseFlow(id) {
    this.flow = id;
    for (const b of $("flows").querySelectorAll("[data-flow]")) b.setAttribute("aria-pressed", String(Number(b.dataset.flow) === id));
    if (id !== null) this.showTab("plots");
    return this.filter();
  }

  packets() {
    this.input = el("input", { type: "search", id: "filter", spellcheck: "false", autocomplete: "off", placeholder: "tcp=rexmit   !dropped   host=client port=80", "aria-label": "Filter, as trace --filter takes it", "aria-describedby": "filtered", on: { input: () => this.filter() } });
    this.count = el("span", { id: "filtered", class: "count", role: "status" });
    const modes = [["rows", "a row a packet"], ["gaps", "time, gaps narrowed"], ["time", "time, to scale"]];
    const mode = el("select", { "aria-label": "What the distance between rows means", on: { change: (e) => { this.ladder.mode = e.target.value; zoom.hidden = e.target.value === "rows"; this.ladder.arrange(); if (this.ladder.at >= 0) this.ladder.reveal(this.ladder.at); } } }, modes.map(([v, t]) => el("option", { value: v }, t)));
    const scale = (by) => () => { this.ladder.zoom = Math.min(Math.max(this.ladder.zoom * by, 0.1), 200); this.ladder.arrange(); if (this.ladder.at >= 0) this.ladder.reveal(this.ladder.at); };
    const zoom = el("span", { class: "zoom", hidden: true }, button("−", scale(0.5), { "aria-label": "closer together" }), button("+", scale(2), { "aria-label": "further apart" }));
    const events = (this.doc.events || []).filter((e) => ["step", "log", "expect", "fault", "task"].includes(e.kind)).sort((a, b) => a.at - b.at);
    this.ladder = new Ladder(this.c, events, (item, mine) => this.chosen(item, mine));
    $("ladder").replaceChildren(el("div", { class: "tools" }, this.input, mode, zoom, this.count), this.ladder.root);
    this.filter();
  }

  async filter() {
    const text = this.input.value;
    let test;
    try {
      test = readFilter(text, this.c, this.doc.words);
    } catch (e) {
      this.input.setAttribute("aria-invalid", "true");
      this.count.textContent = e.message.length > 90 ? e.message.slice(0, 90) + "…" : e.message;
      this.count.title = e.message;
      return;
    }
    this.input.removeAttribute("aria-invalid");
    const flow = this.flow, all = this.c.rows.length, bare = text.trim() === "";
    const whole = flow !== null ? (p) => p.root === flow && test(p) : bare ? null : test;
    this.count.title = "";
    await this.ladder.show(whole, bare, (n, done) => {
      this.count.textContent = (n === all ? n : n + " of " + all) + " packets" + (done ? "" : " so far");
    });
  }

  // visit goes to the packet of a frame, whatever the filter says.
  async visit(frame, capture) {
    if (capture !== undefined && capture !== this.number) await this.open(capture);
    if (!this.ladder.goTo(frame, true)) {
      this.input.value = "";
      await this.chooseFlow(null);
      this.ladder.goTo(frame, true);
    }
    this.showTab("packet");
    $("ladder").scrollIntoView({ block: "nearest" });
    this.ladder.view.focus({ preventScroll: true });
  }

  chosen(item, mine) {
    if (item.row) {
      this.row = item.row;
      this.way(item.row);
      if (this.tab !== "plots" || !this.plotted || this.plotted !== item.row.root) this.details(item.row);
    } else if (item.event.line) {
      this.toLine(item.event.line);
    }
  }

  showTab(tab) { this.tab = tab; this.details(this.row || null); }

  // details shows a row, as one of the points on its way saw the packet.
  details(row, sighting) {
    const c = this.c;
    const root = this.flow !== null ? this.flow : row && row.root >= 0 && c.flow.has(row.root) && c.flow.get(row.root).names && row.packets[0].flags !== undefined ? row.root : null;
    const tabs = [["packet", "Packet"], ["plots", "Plots"]];
    const bar = el("div", { class: "tabs", role: "tablist", "aria-label": "Details" }, tabs.map(([id, name]) => el("button", { type: "button", role: "tab", id: "tab-" + id, "aria-selected": this.tab === id ? "true" : "false", "aria-controls": "panel", tabindex: this.tab === id ? "0" : "-1", on: {
      click: () => { this.showTab(id); $("tab-" + id).focus(); },
      keydown: (e) => { if (e.key === "ArrowRight" || e.key === "ArrowLeft") { const other = id === "packet" ? "plots" : "packet"; this.showTab(other); $("tab-" + other).focus(); } } } }, name)));
    const panel = el("div", { id: "panel", class: "panel", role: "tabpanel", "aria-labelledby": "tab-" + this.tab, tabindex: "0" });
    this.plotted = null;
    if (this.tab === "plots") {
      if (root === null) panel.append(el("p", { class: "hint" }, "Choose a connection, or a packet of one."));
      else this.plots(panel, root);
    } else if (!row) panel.append(el("p", { class: "hint" }, "Choose a packet."));
    else panel.append(...this.packet(row, sighting || row.packets[0]));
    $("details").replaceChildren(bar, panel);
  }

  async plots(panel, root) {
    this.plotted = root;
    const c = this.c, f = c.flow.get(root);
    panel.append(el("h3", {}, "Connection " + root), el("p", { class: "hint" }, f.names[0] + " → " + f.names[1] + (f.handshake ? " · handshake " + span(f.handshake) : "") + (f.mss[0] || f.mss[1] ? " · MSS " + f.mss.join(" and ") : "")));
    if (!c.series || c.series.root !== root) {
      const both = await inTurns(seriesOf(c, root, ratedWires(this.doc.lab)), () => panel.isConnected);
      if (!both) return;
      c.series = { root, both };
      if (this.sideOf !== root) { this.side = both[1].bytes > both[0].bytes ? 1 : 0; this.sideOf = root; }
    }
    const both = c.series.both;
    panel.append(el("div", { class: "sides", role: "group", "aria-label": "Whose data" }, [0, 1].map((side) => button("from " + f.names[side] + " (" + amount(both[side].bytes) + " bytes)", () => { this.side = side; this.showTab("plots"); }, { class: "small", "aria-pressed": this.side === side ? "true" : "false" }))));
    fitPlots(panel.clientWidth);
    const plots = plotsOf(both[this.side], ratedWires(this.doc.lab), (i) => { const n = c.rows.at(i).frames[0]; if (!this.ladder.goTo(n, true)) this.visit(n); });
    for (const p of plots) panel.append(el("figure", {}, el("figcaption", {}, el("b", {}, p.title), " ", p.legend.map(([k, t]) => el("span", { class: "key k-" + k }, t))), p.drawing));
    if (!plots.length) panel.append(el("p", { class: "hint" }, "It carried nothing that can be plotted."));
  }

  packet(r, p) {
    const c = this.c, out = [];
    out.push(el("h3", {}, "#" + (p ? p.n : r.frames[0]), " ", el("span", { class: "what" }, r.label)));
    if (p) out.push(el("p", { class: "hint" }, (p.src || "?") + " → " + (p.dst || "?") + " · " + seconds(p.time) + " s" + (p.root !== undefined && p.root >= 0 ? " · connection " + p.root : "")));
    if (r.marks.length) out.push(el("ul", { class: "marks" }, r.marks.map(([kind, text]) => el("li", { class: "mark " + kind }, text))));
    if (p && p.rst && p.rst.answers) out.push(el("p", {}, "It answers ", button("#" + p.rst.answers, () => this.visit(p.rst.answers), { class: "frame" }), "."));
    if (p && p.rst && p.rst.kernel) {
      const k = p.rst.kernel;
      const facts = Object.entries(k).filter(([n, v]) => n !== "stack" && v !== "" && v !== false).map(([n, v]) => [el("dt", {}, n), el("dd", {}, String(v))]);
      out.push(el("h4", {}, "What the kernel said"), el("dl", { class: "facts2" }, facts));
      if (k.stack) out.push(el("details", {}, el("summary", {}, "its stack, " + k.stack.length + " functions"), el("pre", { tabindex: "0" }, k.stack.join("\n"))));
    }
    if (c.nodes.length && r.packets.length) {
      const li = [];
      let before = null;
      for (const q of r.packets) {
        const point = c.points[q.point] || { name: "?" }, [node, wire] = [point.name.slice(0, point.name.indexOf("/")), point.name.slice(point.name.indexOf("/") + 1)];
        const what = (q.direction === "in" ? "arrived at " : "left ") + node + " by wire " + wire;
        const item = el("li", {}, button("#" + q.n, () => this.details(r, q), { class: "frame", "aria-pressed": q.n === p.n ? "true" : "false", "aria-label": "packet " + q.n + " as " + point.name + " saw it" }), " ", what, " ", el("span", { class: "t" }, before ? "+" + span(q.time - before.time) : seconds(q.time) + " s"));
        if (before && (q.src !== before.src || q.dst !== before.dst)) item.append(el("div", { class: "mark note" }, "translated: now " + q.src + " → " + q.dst));
        for (const [name, text] of [["dropped", q.dropped], ["kernel_drop", q.kernel_drop], ["fault", q.fault]]) if (text) item.append(el("div", { class: "mark dropped" }, name + ": " + text));
        if (q.conntrack) item.append(el("div", { class: "mark note" }, "conntrack: " + q.conntrack));
        li.push(item);
        before = q;
      }
      if (r.unseen) li.push(el("li", { class: "hint" }, "It was not seen to arrive."));
      out.push(el("h4", {}, "Its way"), el("ol", { class: "way" }, li));
    }
    if (p) {
      const skip = new Set(["header", "frame", "point", "says", "payload_at", "root", "side", "tcp", "icmp", "icmp_name", "payload", "size", "protocol", "direction", "resent", "timer", "sack"]); // that a page alone has
      const all = c.packets.whole(p.index);
      const rows = Object.entries(all).filter(([k]) => !skip.has(k)).map(([k, v]) => [k, typeof v === "object" ? JSON.stringify(v) : String(v)]);
      out.push(el("h4", {}, "As trace --json has it"), table(rows, "analysed"));
      const more = [["size", all.size + " bytes"], ["ICMP", all.icmp_name], ["sent before", all.resent], ["timer", all.timer], ["SACK", all.sack && all.sack.map((b) => b.join(":")).join(", ")]].filter(([, v]) => v);
      out.push(el("h4", {}, "Besides"), table(more, "more"));
      if (all.header) {
        const fields = [];
        c.fields.forEach((f, i) => { if (all.header[i] !== null) fields.push([f.name, String(all.header[i]), f.layer + ": " + f.doc]); });
        out.push(el("h4", {}, "Header fields"), table(fields, "header"));
      }
      const bytes = bytesOf(p);
      if (bytes.length) out.push(el("h4", {}, "Bytes", el("span", { class: "hint" }, bytes.length < p.size ? " the first " + bytes.length + " of " + p.size : " " + p.size)), el("pre", { class: "bytes", tabindex: "0", "aria-label": "Bytes of the frame" }, hex(bytes)));
    }
    return out;
  }

  source() {
    const s = this.doc.script;
    if (!s) return;
    const by = new Map();
    for (const e of this.doc.events || []) if (e.line) by.set(e.line, (by.get(e.line) || []).concat(e));
    const lines = s.text.replace(/\n$/, "").split("\n").map((text, i) => {
      const events = by.get(i + 1) || [];
      const judged = events.filter((e) => ["expect", "fault", "task"].includes(e.kind));
      const bad = judged.some((e) => !e.pass);
      const li = el("li", { id: "L" + (i + 1), class: judged.length ? bad ? "fail" : "pass" : "", value: i + 1 }, el("span", { class: "sign", "aria-label": judged.length ? bad ? "failed" : "passed" : undefined, role: judged.length ? "img" : undefined }, judged.length ? bad ? "✗" : "✓" : ""), el("code", {}, text || " "));
      for (const e of events.slice(0, 20)) {
        if (e.kind === "step") continue;
        const frames = (e.frames || []).slice(0, 5).map((f) => button("#" + f, () => this.visit(f), { class: "frame" }));
        li.append(el("div", { class: "said " + e.kind + (e.kind === "log" ? "" : e.pass ? " pass" : " fail") }, (e.kind === "log" ? "› " : e.pass ? "✓ " : "✗ ") + e.text + (e.label ? " (" + e.label + ")" : ""), " ", frames));
      }
      return li;
    });
    $("source").hidden = false;
    $("source").replaceChildren(el("h2", {}, "The script ", el("span", { class: "hint" }, s.name)), el("ol", { class: "script", tabindex: "0", "aria-label": "Lines of the script" }, lines));
    if (s.line) requestAnimationFrame(() => { const at = $("L" + s.line); if (at) at.parentNode.scrollTop = Math.max(at.offsetTop - at.parentNode.offsetTop - 8, 0); });
  }

  toLine(n) {
    const at = $("L" + n);
    if (!at) return;
    for (const x of document.querySelectorAll(".script .here")) x.classList.remove("here");
    at.classList.add("here");
    at.parentNode.scrollTop = at.offsetTop - at.parentNode.offsetTop - 60;
  }

  foot() {
    const d = this.doc, parts = [];
    if (d.again && d.again.length) parts.push(el("h2", {}, d.script ? "Run it again" : "On the command line"), d.again.map((a) => el("p", { class: "again" }, el("code", {}, a), " ", copyButton(a))));
    if (d.environment && d.environment.length) parts.push(el("h2", {}, "Where it ran"), el("dl", { class: "facts2" }, d.environment.map((f) => [el("dt", {}, f.name), el("dd", {}, f.text)])));
    parts.push(el("p", { class: "hint" }, "Written by netrepro. This page asks for nothing from elsewhere."));
    $("foot").replaceChildren(...parts.flat());
  }

  key(e) {
    const typing = /INPUT|SELECT|TEXTAREA/.test(e.target.tagName);
    if (e.key === "/" && !typing) { this.input.focus(); this.input.select(); e.preventDefault(); }
    else if (e.key === "Escape" && (typing || this.input.value)) {
      this.input.value = "";
      this.filter();
      if (this.ladder.at >= 0) this.ladder.reveal(this.ladder.at);
      this.ladder.view.focus();
    } else if (!typing && ["n", "p", "[", "]"].includes(e.key) && e.target !== this.ladder.view && !e.ctrlKey && !e.metaKey && !e.altKey) this.ladder.key(e);
  }
}

function table(rows, name) {
  return el("table", { class: name }, el("tbody", {}, rows.map(([k, v, title]) => el("tr", { title }, el("th", { scope: "row" }, k), el("td", {}, v)))));
}

// hex writes bytes sixteen a line, with what they are in ASCII.
function hex(bytes) {
  const out = [];
  for (let i = 0; i < bytes.length; i += 16) {
    const part = bytes.slice(i, i + 16);
    const h = part.map((b) => b.toString(16).padStart(2, "0"));
    out.push(i.toString(16).padStart(4, "0") + "  " + (h.slice(0, 8).join(" ").padEnd(23) + "  " + h.slice(8).join(" ")).padEnd(49) + " " + part.map((b) => b > 31 && b < 127 ? String.fromCharCode(b) : "·").join(""));
  }
  return out.join("\n");
}

// drawLab draws nodes and wires: in a row if they are one path, else around a circle.
function drawLab(lab) {
  const n = lab.nodes.length, longest = Math.max(0, ...lab.wires.map((w) => w.name.length)), wide = Math.max(168, Math.min(longest * 7 + 110, 240)), at = new Map();
  const next = new Map(lab.nodes.map((x) => [x.name, []]));
  for (const w of lab.wires) {
    if (next.has(w.from) && next.has(w.to)) { next.get(w.from).push(w.to); next.get(w.to).push(w.from); }
  }
  const ends = [...next].filter(([, to]) => to.length === 1).map(([x]) => x);
  const path = ends.length === 2 && [...next.values()].every((to) => to.length <= 2 && to.length > 0);
  let w, h;
  if (path) {
    const order = [ends.includes(lab.nodes[0].name) ? lab.nodes[0].name : ends[0]];
    while (order.length < n) {
      const to = next.get(order[order.length - 1]).find((x) => !order.includes(x));
      if (!to) break;
      order.push(to);
    }
    order.forEach((name, i) => at.set(name, [70 + i * wide, 42]));
    w = 140 + (order.length - 1) * wide; h = 116;
  } else { // by distance from the first
    const level = new Map([[lab.nodes[0].name, 0]]), queue = [lab.nodes[0].name];
    while (queue.length) {
      const x = queue.shift();
      for (const y of next.get(x)) if (!level.has(y)) { level.set(y, level.get(x) + 1); queue.push(y); }
    }
    const rows = [];
    for (const x of lab.nodes) { const l = level.has(x.name) ? level.get(x.name) : 0; (rows[l] = rows[l] || []).push(x.name); }
    const most = Math.max(...rows.map((r) => r ? r.length : 0));
    h = Math.max(most * 92, 96) + 10; w = 140 + (rows.length - 1) * wide;
    rows.forEach((r, l) => r.forEach((name, i) => at.set(name, [70 + l * wide, (h - 20) * (i + 0.5) / r.length + 4])));
  }
  const g = svg("svg", { class: "labdraw", viewBox: `0 0 ${w} ${h}`, width: w, height: h, role: "img", "aria-label": "Nodes " + lab.nodes.map((x) => x.name).join(", ") + "; wires " + lab.wires.map((x) => x.name + " from " + x.from + " to " + x.to + (x.facts ? ", " + x.facts.map((f) => f.name + " " + f.text).join(", ") : "")).join("; ") });
  g.style.minWidth = Math.round(w * 0.6) + "px"; // smaller it cannot be read
  for (const wire of lab.wires) {
    const a = at.get(wire.from), b = at.get(wire.to);
    if (!a || !b) continue;
    g.append(svg("line", { class: "wire", "data-wire": wire.name, x1: a[0], y1: a[1], x2: b[0], y2: b[1] }));
    const x = (a[0] + b[0]) / 2, y = (a[1] + b[1]) / 2;
    g.append(svg("text", { class: "wirename", x, y: y - 8, "text-anchor": "middle" }, wire.name));
    (wire.facts || []).slice(0, 4).forEach((f, i) => g.append(svg("text", { class: f.name === "fault" ? "act" : "wirefact", x, y: y + 16 + i * 13, "text-anchor": "middle" }, f.name + " " + f.text)));
  }
  for (const node of lab.nodes) {
    const p = at.get(node.name);
    if (!p) continue;
    const name = node.name.length > 14 ? node.name.slice(0, 13) + "…" : node.name;
    const half = Math.max(name.length * 4.2 + 14, 34);
    g.append(svg("g", { class: "node " + (node.kind || ""), "data-wire": "n:" + node.name }, svg("title", {}, node.name + " " + (node.addresses || []).join(" ")), svg("rect", { x: p[0] - half, y: p[1] - 17, width: 2 * half, height: 34, rx: node.kind === "router" || node.kind === "switch" ? 17 : 5 }), svg("text", { x: p[0], y: p[1] + 5, "text-anchor": "middle" }, name)));
    const below = (node.addresses || []).slice(0, 2).map((a) => ["addr", a.length > 20 ? a.slice(0, 19) + "…" : a]);
    for (const f of (node.facts || []).slice(0, 2)) below.push(["act", (f.name + " " + f.text).trim().slice(0, 22)]);
    below.forEach(([cls, text], i) => g.append(svg("text", { class: cls, x: p[0], y: p[1] + 32 + i * 13, "text-anchor": "middle" }, text)));
  }
  return g;
}

load((text, buffer, start) => { window.page = new Page(openData(text, buffer, start)); }).catch((e) => {
  document.body.append(el("p", { class: "notice" }, "The data of this page could not be read: " + e.message));
  throw e;
});
