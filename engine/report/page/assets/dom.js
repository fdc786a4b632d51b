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
  for (const x of inside.flat()) if (x !== undefined && x !== null) e.append(x instanceof Node ? x : String(x));
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

// load reads the data of the page.
async function load() {
  const at = $("data");
  if (at.dataset.as !== "gzip") return JSON.parse(at.textContent);
  const bytes = Uint8Array.from(atob(at.textContent), (ch) => ch.charCodeAt(0));
  at.remove();
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).json();
}

// themeButton changes between light and dark.
function themeButton() {
  return button("◐", () => {
    const dark = getComputedStyle(document.documentElement).colorScheme === "dark";
    document.documentElement.dataset.theme = dark ? "light" : "dark";
  }, { class: "round", "aria-label": "light or dark", title: "light or dark" });
}
