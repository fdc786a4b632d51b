"use strict";
// Two ladders beside each other: what both have stands on one line.

const nearPairs = 2, mostPairs = 4000;

// rungOf draws the way of a row between two lines, as a part of a ladder.
function rungOf(r, left) {
  const right = r.from <= r.to, y = 8, g = svg("svg", { class: "rung", viewBox: "0 0 64 16", width: 64, height: 16, "aria-hidden": "true" });
  const end = r.stopped ? 32 : right ? 62 : 2, start = right ? 2 : 62, cls = "arrow " + r.kind + (r.unseen ? " unsure" : "");
  g.append(svg("line", { class: "rail", x1: 2, x2: 2, y1: 0, y2: 16 }), svg("line", { class: "rail", x1: 62, x2: 62, y1: 0, y2: 16 }),
    svg("path", { class: cls, d: `M${start} ${y}H${end}` }));
  if (r.stopped) g.append(svg("path", { class: "cross " + cls, d: `M${end - 4} ${y - 4}l8 8m0 -8l-8 8` }));
  else g.append(svg("path", { class: "head " + cls, d: right ? "M62 8l-7 -3.5v7z" : "M2 8l7 -3.5v7z" }));
  return g;
}

// comparison is the section that shows pairs. visit is told a frame and its capture.
function comparison(doc, visit) {
  const [a, b] = doc.captures;
  const cell = (c, i, number) => {
    if (i < 0) return el("td", { class: "none" }, el("span", { class: "unseen" }, "not there"));
    const r = c.row(i), n = r.frames[0];
    const marks = r.marks.filter((m) => m[0] !== "sign");
    return el("td", { title: [r.label, ...marks.map((m) => m[1])].join(", ") }, el("div", { class: "side" }, button("#" + n, () => visit(n, number), { class: "frame", "aria-label": "packet " + n + " of " + c.name }), rungOf(r),
      el("span", { class: "unseen" }, c.columns[r.from] + " to " + c.columns[r.to] + ": "), el("span", { class: "said" }, el("code", {}, r.label), marks.map((m) => [" ", el("span", { class: "mark " + m[0] }, m[1])]))));
  };
  const row = (p) => {
    const sign = p.same ? "" : p.a < 0 ? "+" : p.b < 0 ? "−" : "≠";
    const word = p.same ? "the same" : p.a < 0 ? "only in the second" : p.b < 0 ? "only in the first" : "changed";
    return el("tr", { class: p.same ? "same" : p.a < 0 ? "added" : p.b < 0 ? "gone" : "changed" }, cell(a, p.a, 0), el("td", { class: "sign" }, el("span", { "aria-hidden": "true" }, sign), el("span", { class: "unseen" }, word)), cell(b, p.b, 1));
  };
  let left = mostPairs;
  const bodies = doc.compared.map((f) => {
    const out = [el("tr", {}, el("th", { scope: "rowgroup", colspan: 3 }, f.title))];
    const near = (k) => f.pairs.slice(Math.max(k - nearPairs, 0), k + nearPairs + 1).some((p) => !p.same);
    for (let k = 0; k < f.pairs.length && left > 0; k++) {
      let n = 0;
      while (k + n < f.pairs.length && f.pairs[k + n].same && !near(k + n)) n++;
      if (n > 1) {
        const hidden = f.pairs.slice(k, k + n);
        out.push(el("tr", { class: "folded" }, el("td", { colspan: 3 }, button("… " + n + " the same", (e) => e.target.closest("tr").replaceWith(...hidden.slice(0, mostPairs).map(row)), { class: "small" }))));
        k += n - 1;
        continue;
      }
      out.push(row(f.pairs[k]));
      left--;
    }
    return el("tbody", {}, out);
  });
  return [el("h2", {}, "Beside each other"), el("div", { class: "draw", tabindex: "0", role: "group", "aria-label": "Both captures, beside each other" }, el("table", { class: "compared" },
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, a.name), el("th", { scope: "col" }, el("span", { class: "unseen" }, "difference")), el("th", { scope: "col" }, b.name))), bodies)),
  left > 0 ? null : el("p", { class: "more" }, "There are more: they are not drawn.")].filter(Boolean);
}
