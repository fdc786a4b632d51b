"use strict";
// Objects as a page has them: as they are, or packed column by column, where each value is
// read when it is asked for. engine/report/page/pack writes the columns.

// Plain is objects as they are.
class Plain {
  constructor(list) {
    this.list = list;
    this.length = list.length;
    list.forEach((x, i) => { x.index = i; });
  }

  at(i) { return this.list[i]; }

  // reader is the member of that name of each.
  reader(key) { return (i) => this.list[i][key]; }

  // whole is an object with nothing in it but its members.
  whole(i) {
    const { index, ...rest } = this.list[i];
    return rest;
  }
}

const arrays = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array, 8: Float64Array };

// numbersOf makes a function that gives the number at a place of a vector.
function numbersOf(v, buffer, start) {
  const base = v.base;
  if (v.step) {
    let sums = null;
    const raw = v.width ? new arrays[v.width](buffer, start + v.at, v.count) : null;
    return (i) => {
      if (!sums) {
        sums = new Float64Array(v.count);
        let sum = sums[0] = v.first || 0;
        for (let k = 1; k < v.count; k++) sums[k] = sum += base + (raw ? raw[k] : 0);
      }
      return sums[i];
    };
  }
  if (!v.width) return () => base;
  const raw = new arrays[v.width](buffer, start + v.at, v.count);
  if (v.null) return (i) => raw[i] ? raw[i] - 1 + base : null;
  return base ? (i) => raw[i] + base : (i) => raw[i];
}

// startsOf are where the parts begin that stand one after the other, by how long they are.
function startsOf(n, lengthOf) {
  let starts = null;
  return (i) => {
    if (!starts) {
      starts = new Uint32Array(n + 1);
      for (let k = 0; k < n; k++) starts[k + 1] = starts[k] + lengthOf(k);
    }
    return starts[i];
  };
}

const letters64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// base64 writes bytes.
function base64(bytes) {
  let out = "";
  for (let i = 0; i < bytes.length; i += 3) {
    const n = bytes[i] << 16 | (bytes[i + 1] || 0) << 8 | (bytes[i + 2] || 0), left = bytes.length - i;
    out += letters64[n >> 18] + letters64[n >> 12 & 63] + (left > 1 ? letters64[n >> 6 & 63] : "=") + (left > 2 ? letters64[n & 63] : "=");
  }
  return out;
}

// readers make functions that give the value of a column at a place.
const readers = {
  number(c, n, buffer, start) {
    const at = numbersOf(c.vector, buffer, start), per = c.per;
    return per ? (i) => at(i) / per : at;
  },
  word(c, n, buffer, start) {
    const at = numbersOf(c.vector, buffer, start);
    return (i) => c.words[at(i)];
  },
  text(c, n, buffer, start) {
    const which = numbersOf(c.vector, buffer, start), number = numbersOf(c.more, buffer, start);
    const parts = c.texts.map((t) => t.split("\0"));
    const list = parts.map((p) => p.length > 1 && p[0] === "[" && p[p.length - 1] === "]" && p.slice(1, -1).every((x) => x === ","));
    const from = startsOf(n, (i) => parts[which(i)].length - 1);
    return (i) => {
      const w = which(i), p = parts[w], at = from(i);
      if (list[w]) return p.slice(1).map((_, k) => number(at + k));
      let text = p[0];
      for (let k = 1; k < p.length; k++) text += number(at + k - 1) + p[k];
      return text === "" ? undefined : JSON.parse(text);
    };
  },
  bytes(c, n, buffer, start) {
    const length = numbersOf(c.vector, buffer, start), from = startsOf(n, length);
    return (i) => new Uint8Array(buffer, start + c.more.at + from(i), length(i));
  },
  tuple(c, n, buffer, start) {
    const inner = c.columns.map((x) => readers[x.as](x, n, buffer, start));
    class Tuple { constructor(i) { Object.defineProperty(this, "i", { value: i }); } }
    inner.forEach((get, k) => Object.defineProperty(Tuple.prototype, k, { get() { return get(this.i); } }));
    const of = (i) => new Tuple(i);
    of.whole = (i) => inner.map((get) => get(i));
    return of;
  },
};

// Packed is objects in columns, which stand in a buffer from start on.
class Packed {
  constructor(p, buffer, start) {
    this.length = p.count;
    this.shapes = p.shapes;
    this.shape = numbersOf(p.shape, buffer, start);
    this.columns = new Map();
    const shape = this.shape;
    class Seen { constructor(i) { this.index = i; } }
    this.seen = Seen;
    for (const c of p.columns) {
      const get = readers[c.as](c, p.count, buffer, start), has = p.shapes.map((keys) => keys.includes(c.key));
      this.columns.set(c.key, { get, as: c.as });
      const always = has.every((x) => x), value = c.as === "bytes" ? (i) => base64(get(i)) : get;
      Object.defineProperty(Seen.prototype, c.key, { get: always ? function () { return value(this.index); } : function () { return has[shape(this.index)] ? value(this.index) : undefined; } });
      if (c.as === "bytes") Object.defineProperty(Seen.prototype, "bytes", { get() { return has[shape(this.index)] ? Array.from(get(this.index)) : []; } });
    }
  }

  at(i) { return new this.seen(i); }

  reader(key) {
    const column = this.columns.get(key);
    if (!column) return () => undefined;
    const has = this.shapes.map((keys) => keys.includes(key));
    return has.every((x) => x) ? column.get : (i) => has[this.shape(i)] ? column.get(i) : undefined;
  }

  whole(i) {
    const out = {};
    for (const key of this.shapes[this.shape(i)]) {
      const { get, as } = this.columns.get(key);
      out[key] = as === "tuple" ? get.whole(i) : as === "bytes" ? base64(get(i)) : get(i);
    }
    return out;
  }
}

// openData takes in what a page has: the text of its data, and the bytes after it that
// packed objects stand in.
function openData(text, buffer, start) {
  const doc = JSON.parse(text);
  for (const c of doc.captures) {
    for (const part of ["packets", "rows"]) c[part] = buffer ? new Packed(c[part], buffer, start) : new Plain(c[part]);
  }
  return doc;
}
