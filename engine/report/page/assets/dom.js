"use strict";
// What every page is made of.

const ns = "http://www.w3.org/2000/svg";

// el makes an element. What is in it is text or other elements, never markup.
function el(tag, props, ...inside) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (v === undefined || v === null || v === false) continue;
    if (k === "on") for (const [name, f] of Object.entries(v)) e.addEventListener(name, f);
    else e.setAttribute(k, v === true ? "" : String(v));
  }
  for (const x of inside.flat(3)) if (x !== undefined && x !== null) e.append(x instanceof Node ? x : String(x));
  return e;
}

// svg makes an element of a drawing.
function svg(tag, props, ...inside) {
  const e = document.createElementNS(ns, tag);
  for (const [k, v] of Object.entries(props || {})) if (v !== undefined && v !== null) e.setAttribute(k, String(v));
  for (const x of inside.flat()) e.append(x instanceof Node ? x : String(x));
  return e;
}

const $ = (id) => document.getElementById(id);

const button = (text, on, props) => el("button", { type: "button", ...props, on: { click: on } }, text);

// load reads the data of the page: open makes of a text, and of a buffer with what stands
// from a place on, what is shown.
async function load(open) {
  const at = $("data");
  if (at.dataset.as === "json") return open(at.textContent);
  const text = at.textContent;
  at.remove();
  const bytes = new Uint8Array(text.length / 4 * 3 - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0));
  const part = 1 << 18; // letters that are read before the browser has its turn
  for (let i = 0; i < text.length; i += part) {
    const some = atob(text.slice(i, i + part)), to = i / 4 * 3;
    for (let k = 0; k < some.length; k++) bytes[to + k] = some.charCodeAt(k);
    await pause();
  }
  const buffer = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  const length = new DataView(buffer).getUint32(0, true);
  return open(new TextDecoder().decode(new Uint8Array(buffer, 4, length)), buffer, Math.ceil((4 + length) / 8) * 8);
}

// pause lets the browser draw, and hear what its reader does.
const pause = () => new Promise((go) => {
  const c = new MessageChannel();
  c.port1.onmessage = () => { c.port1.close(); go(); };
  c.port2.postMessage(0);
});

const turn = 12; // milliseconds that work may take at a time

// inTurns runs a generator, and pauses when it yields after its turn is over. It gives what
// the generator returns, or undefined once wanted says that nobody waits for it any more.
async function inTurns(work, wanted) {
  for (let until = performance.now() + turn; ;) {
    const step = work.next();
    if (step.done) return step.value;
    if (performance.now() < until) continue;
    await pause();
    if (wanted && !wanted()) return undefined;
    until = performance.now() + turn;
  }
}

// themeButton changes between light and dark.
function themeButton() {
  return button("◐", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  }, { class: "round", "aria-label": "light or dark", title: "light or dark" });
}
