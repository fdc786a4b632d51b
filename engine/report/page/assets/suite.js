"use strict";
// The page that lists the cases of a run.

class Suite {
  constructor(doc) {
    this.doc = doc;
    this.verdict = "";
    const count = new Map();
    for (const c of doc.cases) count.set(c.word, (count.get(c.word) || 0) + 1);
    const rank = (w) => ["failed", "error", "inconclusive", "skipped"].indexOf(w) + 1 || 9;
    const words = [...count].sort((a, b) => rank(a[0]) - rank(b[0]));
    const took = doc.cases.reduce((a, c) => a + c.took, 0);
    $("top").replaceChildren(el("div", { class: "bar" }, el("span", { class: "brand" }, "netrepro"), el("span", { class: "grow" }), themeButton()),
      el("div", { class: "title" }, el("h1", {}, doc.cases.length === 1 ? "1 case" : doc.cases.length + " cases")),
      el("p", { class: "facts" }, doc.at.replace("T", " ").replace("Z", " UTC") + " · " + took.toFixed(1) + " s of cases"),
      el("div", { class: "count-row", role: "group", "aria-label": "Verdicts" }, words.map(([w, n]) => button(n + " " + w, (e) => {
        this.verdict = this.verdict === w ? "" : w;
        for (const b of e.target.parentNode.children) b.setAttribute("aria-pressed", String(b.dataset.word === this.verdict));
        this.show();
      }, { class: "small", "data-word": w, "aria-pressed": "false" }))));
    this.input = el("input", { type: "search", id: "search", placeholder: "a name, a tag, words of what fails", "aria-label": "Search cases", on: { input: () => this.show() } });
    this.order = el("select", { "aria-label": "Order", on: { change: () => this.show() } }, [["folder", "by scenario"], ["verdict", "failed first"], ["took", "longest first"]].map(([v, t]) => el("option", { value: v }, t)));
    this.said = el("span", { class: "count", role: "status" });
    this.body = el("tbody");
    const head = el("tr", {}, ["case", "verdict", "took", "packets", "before"].map((t, i) => el("th", { scope: "col", class: ["", "", "num", "num wideonly", "wideonly"][i] }, t)));
    $("cases").append(el("div", { class: "tools" }, this.input, this.order, this.said), el("table", { class: "suite" }, el("thead", {}, head), this.body));
    this.most = Math.max(0.001, ...doc.cases.map((c) => c.took));
    this.show();
    document.addEventListener("keydown", (e) => {
      if (e.key === "/" && e.target !== this.input) { this.input.focus(); e.preventDefault(); }
    });
    document.documentElement.dataset.ready = "true";
  }

  show() {
    const want = this.input.value.toLowerCase().split(/\s+/).filter(Boolean);
    const text = (c) => [c.case, c.file, c.word, c.about, (c.tags || []).join(" "), c.why].join(" ").toLowerCase();
    const cases = this.doc.cases.filter((c) => (!this.verdict || c.word === this.verdict) && want.every((w) => text(c).includes(w)));
    const grave = (c) => ["failed", "error", "inconclusive", "skipped", "passed"].indexOf(c.verdict);
    const by = { folder: (a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : 0, verdict: (a, b) => grave(a) - grave(b), took: (a, b) => b.took - a.took }[this.order.value];
    cases.sort(by);
    const rows = [];
    let group = null;
    for (const c of cases) {
      const folder = c.file.replace(/[^/]*$/, "").replace(/\/$/, "");
      const scenario = folder + " " + c.scenario;
      if (this.order.value === "folder" && scenario !== group) {
        group = scenario;
        rows.push(el("tr", { class: "group" }, el("th", { colspan: 5, scope: "rowgroup" }, c.scenario, " ", el("span", { class: "hint" }, folder), c.about ? el("p", { class: "about" }, c.about) : null)));
      }
      const past = (this.doc.history && Object.prototype.hasOwnProperty.call(this.doc.history, c.case) ? this.doc.history[c.case] : []).slice(-12);
      const meter = el("span", { class: "meter" });
      meter.style.width = Math.max(c.took / this.most * 60, 1) + "px";
      rows.push(el("tr", { class: "case" },
        el("td", {}, c.page ? el("a", { href: encodeURI(c.page).replace(/[?#]/g, encodeURIComponent) }, c.case) : c.case,
          c.beside ? el("p", { class: "about" }, el("a", { href: encodeURI(c.beside).replace(/[?#]/g, encodeURIComponent) }, "beside the failure")) : null, c.why ? el("p", { class: "about" }, c.why.split("\n")[0]) : null),
        el("td", {}, el("span", { class: "badge " + c.verdict }, c.word)),
        el("td", { class: "num" }, meter, c.took.toFixed(2) + " s"),
        el("td", { class: "num wideonly" }, c.packets),
        el("td", { class: "past wideonly" }, el("span", { role: "img", "aria-label": past.length + " runs: " + past.map((x) => x.verdict).join(", ") }, past.map((x) => el("span", { class: "dot " + x.verdict, title: x.at + " " + x.verdict }))))));
    }
    this.body.replaceChildren(...rows);
    this.said.textContent = cases.length === this.doc.cases.length ? "" : cases.length + " of " + this.doc.cases.length;
  }
}

load(JSON.parse).then((doc) => { window.page = new Suite(doc); });
