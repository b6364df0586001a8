// Recurses without end through each part of the engine, and reports the error and the depth.
let depth = 0;
const cases = {
  plain() { depth++; cases.plain(); },
  args(a, b, c, d, e) { depth++; return 1 + cases.args(a, b, c, d, e); },
  many() { depth++; let a = depth, b = a + 1, c = b + 1, d = c + 1, e = d + 1, f = e + 1, g = f + 1; return cases.many() + a + b + c + d + e + f + g; },
  map() { depth++; return [1].map(() => cases.map()); },
  apply() { depth++; return cases.apply.apply(null, [1, 2, 3]); },
  call() { depth++; return cases.call.call(null); },
  bind() { depth++; return cases.bind.bind(null)(); },
  reflect() { depth++; return Reflect.apply(cases.reflect, null, []); },
  construct() { depth++; return new C(); },
  getter() { depth++; return o.x; },
  proxy() { depth++; return p.x; },
  tostring() { depth++; return `${t}`; },
  tojson() { depth++; return JSON.stringify(j); },
  replace() { depth++; return "aaa".replace(/a/, () => cases.replace()); },
  replacestr() { depth++; return "aaa".replaceAll("a", () => cases.replacestr()); },
  sort() { depth++; return [2, 1, 3].sort(() => cases.sort()); },
  reviver() { depth++; return JSON.parse("[1,2]", () => cases.reviver()); },
  generator() { depth++; return [...gen()]; },
  iterator() { depth++; return Array.from({ [Symbol.iterator]: () => ({ next: cases.iterator }) }); },
  spread() { depth++; return Math.max(...[1, cases.spread()]); },
  instanceOf() { depth++; return 1 instanceof { [Symbol.hasInstance]: cases.instanceOf }; },
  primitive() { depth++; return +{ [Symbol.toPrimitive]: cases.primitive }; },
  species() { depth++; class A extends Array { static get [Symbol.species]() { return cases.species(); } } return new A(3).map((x) => x); },
  split() { depth++; return "a".split({ [Symbol.split]: cases.split }); },
  typed() { depth++; return new Uint8Array([1, 2, 3]).map(() => cases.typed()); },
  groupby() { depth++; return Object.groupBy([1], () => cases.groupby()); },
  mapforeach() { depth++; return new Map([[1, 2]]).forEach(() => cases.mapforeach()); },
  async asyncrec() { depth++; return await cases.asyncrec(); },
  defineprop() { depth++; return Object.defineProperty({}, "x", { get get() { return cases.defineprop(); } }); },
  super_() { depth++; return new D(); },
  finally_() { depth++; try { return cases.finally_(); } finally { depth += 0; } },
  closure() { depth++; const f = () => cases.closure(); return f(); },
  json() { return JSON.parse("[".repeat(100000) + "]".repeat(100000)); },
  jsonobj() { return JSON.parse('{"a":'.repeat(100000) + "1" + "}".repeat(100000)); },
  stringify() { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return JSON.stringify(a); },
  join() { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return a.join(); },
  flat() { let a = []; for (let i = 0; i < 100000; i++) a = [a]; return a.flat(Infinity); },
  regexp() { return new RegExp("(".repeat(100000) + ")".repeat(100000)); },
  regexplook() { return new RegExp("(?=".repeat(20000) + "a" + ")".repeat(20000)); },
  regexpclass() { return new RegExp("[".repeat(20000) + "a" + "]".repeat(20000), "v"); },
  proto() { let a = {}; for (let i = 0; i < 200000; i++) a = Object.create(a); return a.x; },
  helpers() { let a = [1, 2].values(); for (let i = 0; i < 100000; i++) a = a.take(5); return [...a]; },
  concatenated() { let a = [1, 2].values(); for (let i = 0; i < 100000; i++) a = Iterator.concat(a); return [...a]; },
  definechain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); return Object.defineProperty(a, "x", { value: 1 }); },
  fieldchain() { class A { constructor() { let a = {}; for (let i = 0; i < 3000; i++) a = new Proxy(a, {}); return a; } } class E extends A { y = 2; } return new E(); },
  setchain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); a.x = 1; return a; },
  haschain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); return "x" in a; },
  keyschain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); return Object.keys(a); },
  protochain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); return Object.getPrototypeOf(a); },
  proxychain() { let a = {}; for (let i = 0; i < 100000; i++) a = new Proxy(a, {}); return a.x; },
  free() { let a = {}; for (let i = 0; i < 500000; i++) a = { a }; a = null; return 1; },
  gc() { let a = {}; const b = a; for (let i = 0; i < 300000; i++) a = { a }; b.a = a; a = null; return 1; },
  clone() { let a = []; for (let i = 0; i < 50000; i++) a = [a]; return structuredClone(a); },
};
class C { constructor() { cases.construct(); } }
class B { constructor() { cases.super_(); } }
class D extends B { }
const o = { get x() { return cases.getter(); } };
const p = new Proxy({}, { get: () => cases.proxy() });
const t = { toString: () => cases.tostring() };
const j = { toJSON: () => cases.tojson() };
function* gen() { yield cases.generator(); }
export const plugin = {
  getName: () => "deep", getVersion: () => "1.0.0",
  process(input) {
    if (input === "cases") return { output: Object.keys(cases).join(" "), metadata: [] };
    depth = 0;
    try { const r = cases[input](); return { output: `ok ${depth} ${typeof r}`, metadata: [] }; }
    catch (e) { return { output: `${depth} ${e}`, metadata: [] }; }
  },
};
