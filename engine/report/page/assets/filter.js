"use strict";
// The language of matches, as trace --filter is given it. engine/match/filter is the
// reference; a test holds this to it.

// words cuts a filter at spaces that are not in quotes.
function words(text) {
  const out = [];
  let word = "", quoted = false, any = false;
  for (const ch of text) {
    if (ch === '"') quoted = !quoted;
    if (!quoted && (ch === " " || ch === "\t" || ch === "\n")) {
      if (any) out.push(word);
      word = ""; any = false;
      continue;
    }
    word += ch; any = true;
  }
  if (quoted) throw new Error('a quote (") is not closed');
  if (any) out.push(word);
  return out;
}

const mostNumber = 4294967295;

function whole(text, most, least) {
  if (!/^[+-]?\d+$/.test(text)) return null;
  const n = Number(text);
  return n >= (least || 0) && n <= most ? n : null;
}

// range reads "7", "1..5" or ">= 3" and makes a test of a number.
function range(text, most) {
  const limit = Math.min(most === undefined ? mostNumber : most, mostNumber);
  const number = (s) => whole(s.trim(), mostNumber);
  const at = text.indexOf("..");
  let lo, hi;
  if (at >= 0) {
    lo = number(text.slice(0, at)); hi = number(text.slice(at + 2));
    if (lo === null || hi === null || lo > hi) return null;
  } else if (text.trim().startsWith(">=")) {
    lo = number(text.trim().slice(2)); hi = Infinity;
    if (lo === null) return null;
  } else {
    lo = hi = number(text);
    if (lo === null) return null;
  }
  if (lo > limit || hi !== Infinity && hi > limit) return null;
  return (n) => n >= lo && n <= hi;
}

// addressBits are the bits of an address, as a string of 0 and 1; null if it is none.
function addressBits(text) {
  if (/^\d+\.\d+\.\d+\.\d+$/.test(text)) {
    let out = "";
    for (const part of text.split(".")) {
      if (part.length > 1 && part[0] === "0" || Number(part) > 255) return null;
      out += Number(part).toString(2).padStart(8, "0");
    }
    return out;
  }
  if (!text.includes(":") || text.includes("%")) return null;
  let tail = "";
  const dot = text.lastIndexOf(":");
  if (text.slice(dot + 1).includes(".")) {
    tail = addressBits(text.slice(dot + 1));
    if (tail === null || tail.length !== 32) return null;
    text = text.slice(0, dot + 1) + parseInt(tail.slice(0, 16), 2).toString(16) + ":" + parseInt(tail.slice(16), 2).toString(16);
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const groups = (s) => s === "" ? [] : s.split(":");
  const left = groups(halves[0]), right = halves.length === 2 ? groups(halves[1]) : [];
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return null;
  let out = "";
  for (const g of left.concat(Array(halves.length === 2 ? missing : 0).fill("0"), right)) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(g)) return null;
    out += parseInt(g, 16).toString(2).padStart(16, "0");
  }
  return out;
}

// prefix makes a test of addresses of "192.0.2.0/24" or an address.
function prefix(text) {
  const [addr, length, more] = text.split("/");
  const bits = addressBits(addr);
  if (bits === null || more !== undefined) return null;
  let n = bits.length;
  if (length !== undefined) {
    if (!/^(0|[1-9]\d*)$/.test(length) || Number(length) > bits.length) return null;
    n = Number(length);
  }
  return (a) => {
    const of = addressBits(a);
    return of !== null && of.length === bits.length && of.slice(0, n) === bits.slice(0, n);
  };
}

const flagLetters = "FSRP.UEW";

function flagsOf(text) {
  if (text === "none") return "";
  if (text === "") return null;
  for (const ch of text) if (!(flagLetters + "e").includes(ch)) return null;
  return [...new Set(text)].sort().join("");
}

const protocols = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58 };
const yes = (v) => v === "true" ? true : v === "false" ? false : null;

// keysOf are the keys, with the words that some of them know: each makes a test of a packet of a value, which is undefined if the
// key stands alone; null if there is no such value.
function keysOf(c, vocab) {
  const isTCP = (p) => p.tcp !== undefined;
  const party = (v, of) => {
    if (v === undefined) return null;
    const addrs = Object.keys(c.names || {}).filter((a) => c.names[a] === v);
    if (addrs.length) return (p) => of(p).some((a) => addrs.includes(a));
    const bits = addressBits(v);
    return bits === null ? null : (p) => of(p).some((a) => a === v || addressBits(a) === bits);
  };
  const port = (v, of) => {
    const n = v === undefined ? null : whole(v, 65535, 1);
    return n === null ? null : (p) => of(p).includes(n);
  };
  const ports = (p) => [portOf(p.src), portOf(p.dst)];
  const counted = (v, test) => {
    const r = v === undefined ? null : range(v);
    return r === null ? null : (p) => test(r, p);
  };
  const word = (name, v) => {
    if (v === undefined) v = "any";
    return vocab[name] && !vocab[name].includes(v) ? null : v;
  };
  const flag = (v, of) => {
    const b = v === undefined ? true : yes(v);
    return b === null ? null : (p) => of(p) === b;
  };
  const looked = (v, test) => !v ? null : (p) => test(v, p);
  const said = (p, proto, test) => first(p).some((e) => e[0] === proto && test(e));
  const first = (p) => p.says || [];
  const keys = {
    from: (v) => party(v, (p) => [hostOf(p.src)]),
    to: (v) => party(v, (p) => [hostOf(p.dst)]),
    host: (v) => party(v, (p) => [hostOf(p.src), hostOf(p.dst)]),
    tcp: (v) => {
      if (v === undefined) return null;
      return vocab.tcp && !vocab.tcp.includes(v) ? null : (p) => isTCP(p) && p.tcp.includes(v);
    },
    icmp: (v) => (v = word("icmp", v)) === null ? null : (p) => (p.icmp || []).includes(v),
    udp: (v) => v !== undefined && yes(v) !== true ? null : (p) => p.protocol === 17,
    flow: (v) => {
      const n = v === undefined ? null : whole(v, 2147483647);
      return n === null ? null : (p) => p.root === n || p.tcp !== undefined && p.stream === n;
    },
    port: (v) => port(v, ports),
    sport: (v) => port(v, (p) => [portOf(p.src)]),
    dport: (v) => port(v, (p) => [portOf(p.dst)]),
    seq: (v) => {
      const n = v === undefined ? null : whole(v, mostNumber);
      return n === null ? null : (p) => isTCP(p) && (p.seq || 0) === n;
    },
    ack: (v) => {
      const n = v === undefined ? null : whole(v, mostNumber);
      return n === null ? null : (p) => isTCP(p) && (p.ack || 0) === n && p.flags.includes(".");
    },
    len: (v) => counted(v, (r, p) => r(p.payload)),
    flags: (v) => {
      const want = v === undefined ? null : flagsOf(v);
      return want === null ? null : (p) => isTCP(p) && flagsOf(p.flags || "none") === want;
    },
    payload: (v) => looked(v, (text, p) => {
      if (p.payload_at === undefined) return false;
      return latin(bytesOf(p).slice(p.payload_at)).includes(utf8(text));
    }),
    size: (v) => counted(v, (r, p) => r(p.size)),
    rexmit: (v) => counted(v, (r, p) => isTCP(p) && r(p.resent || 0)),
    in_flight: (v) => counted(v, (r, p) => isTCP(p) && r(p.in_flight || 0)),
    fault: (v) => flag(v, (p) => Boolean(p.fault)),
    dropped: (v) => flag(v, (p) => Boolean(p.dropped)),
    tls: (v) => (v = word("tls", v)) === null ? null : (p) => isTCP(p) && said(p, "tls", (e) => v === "any" || e[1] === v),
    http: (v) => v === "" ? null : (p) => isTCP(p) && said(p, "http", (e) => v === undefined || v === "any" || v === e[1] || e[2].startsWith(v)),
    original: (v) => v !== "lost" && v !== "arrived" ? null : (p) => p.original === v,
    kernel_drop: (v) => looked(v, (text, p) => (p.kernel_drop || "").includes(text)),
    timer: (v) => looked(v, (text, p) => p.timer === text),
    rst: (v) => {
      if (v === undefined || v === "any") return (p) => Boolean(p.rst);
      if ((vocab.kind || []).includes(v)) return (p) => Boolean(p.rst) && p.rst.kind === v;
      if ((vocab.cause || []).includes(v)) return (p) => Boolean(p.rst) && (p.rst.cause === v || (p.rst.or || []).includes(v));
      return null;
    },
    analysis: (v) => (v = word("analysis", v)) === null ? null : (p) => v === "any" ? (p.analysis || []).length > 0 && isTCP(p) : (p.analysis || []).includes(v),
    frame: (v) => counted(v, (r, p) => r(p.n)),
  };
  const at = {};
  c.fields.forEach((f, i) => { at[f.name] = i; });
  const fieldOf = (p, name) => p.header ? p.header[at[name]] : null;
  const option = { mss: 1, wscale: 1, tsval: 1, tsecr: 1 };
  for (const f of c.fields) {
    if (f.name in keys) continue;
    const get = (p) => { const v = fieldOf(p, f.name); return v === undefined ? null : v; };
    keys[f.name] = (v) => {
      if (f.type === "bool") return flag(v, get);
      if (v === undefined) return null;
      if (f.type === "number") {
        if (option[f.name] && v === "false") return (p) => get(p) === null && fieldOf(p, "flags") !== null && p.header !== undefined;
        const r = range(f.name === "proto" && v in protocols ? String(protocols[v]) : v, f.max);
        return r === null ? null : (p) => get(p) !== null && r(get(p));
      }
      if (f.type === "address") {
        const r = prefix(v);
        return r === null ? null : (p) => get(p) !== null && r(get(p));
      }
      const mac = v.toLowerCase().replace(/[-.]/g, ":");
      return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac) ? (p) => get(p) === mac : null;
    };
  }
  return keys;
}

// latin writes bytes as the characters of their numbers, utf8 a text as its bytes.
function latin(bytes) { let s = ""; for (const b of bytes) s += String.fromCharCode(b); return s; }
function utf8(text) { return unescape(encodeURIComponent(text)); }

// readFilter makes a test of a packet of a text. Its error says what is wrong.
function readFilter(text, c, vocab) {
  const keys = keysOf(c, vocab || {});
  const all = [];
  for (const whole of words(text)) {
    const not = whole[0] === "!";
    const bare = not ? whole.slice(1) : whole;
    let at = bare.indexOf("="), key = bare, value;
    if (at >= 0) {
      key = bare.slice(0, at); value = bare.slice(at + 1);
      if (key.endsWith(">")) { key = key.slice(0, -1); value = ">=" + value; }
    }
    if (!Object.prototype.hasOwnProperty.call(keys, key)) throw new Error('"' + key + '" is no key: there is ' + Object.keys(keys).sort().join(", "));
    const one = [];
    for (const v of value === undefined ? [undefined] : value.split(",")) {
      const test = keys[key](v === undefined ? v : v.replaceAll('"', ""));
      if (test === null) throw new Error(value === undefined ? key + " needs a value: write " + key + "=VALUE" : key + ': "' + v + '" is not what it can be');
      one.push(test);
    }
    all.push((p) => one.some((t) => t(p)) !== not);
  }
  return (p) => all.every((t) => t(p));
}
