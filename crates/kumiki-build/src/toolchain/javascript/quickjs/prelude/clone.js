// `structuredClone`, for the kinds of values that can be cloned.
const refuse = (value) => {
  throw new DOMException(`${typeof value} cannot be cloned`, "DataCloneError");
};

function clone(value, seen) {
  if (typeof value === "function" || typeof value === "symbol") refuse(value);
  if (typeof value !== "object" || value === null) return value;
  if (seen.has(value)) return seen.get(value);
  const keep = (copy) => {
    seen.set(value, copy);
    return copy;
  };
  const part = (inner) => clone(inner, seen);
  if (Array.isArray(value)) {
    const copy = keep(new Array(value.length));
    for (const key of Object.keys(value)) copy[key] = part(value[key]);
    return copy;
  }
  if (value instanceof Date) return keep(new Date(value.getTime()));
  if (value instanceof RegExp) return keep(new RegExp(value.source, value.flags));
  if (value instanceof Map) {
    const copy = keep(new Map());
    for (const [key, inner] of value) copy.set(part(key), part(inner));
    return copy;
  }
  if (value instanceof Set) {
    const copy = keep(new Set());
    for (const inner of value) copy.add(part(inner));
    return copy;
  }
  if (value instanceof ArrayBuffer) return keep(value.slice());
  if (value instanceof DataView) {
    return keep(new DataView(part(value.buffer), value.byteOffset, value.byteLength));
  }
  if (ArrayBuffer.isView(value)) {
    return keep(new value.constructor(part(value.buffer), value.byteOffset, value.length));
  }
  if (value instanceof Error) {
    const copy = keep(Object.create(Object.getPrototypeOf(value)));
    for (const key of ["name", "message", "stack", "cause"]) {
      if (!Object.hasOwn(value, key)) continue;
      const inner = part(value[key]);
      Object.defineProperty(copy, key, { value: inner, writable: true, configurable: true });
    }
    return copy;
  }
  if (value instanceof Boolean || value instanceof Number || value instanceof String) {
    return keep(Object(value.valueOf()));
  }
  if (value instanceof WeakMap || value instanceof WeakSet || value instanceof WeakRef) refuse(value);
  if (value instanceof Promise) refuse(value);
  const copy = keep({});
  for (const key of Object.keys(value)) {
    const inner = part(value[key]);
    Object.defineProperty(copy, key, { value: inner, writable: true, enumerable: true, configurable: true });
  }
  return copy;
}

globalThis.structuredClone = function structuredClone(value) {
  if (arguments.length === 0) throw new TypeError("structuredClone needs a value");
  return clone(value, new Map());
};
