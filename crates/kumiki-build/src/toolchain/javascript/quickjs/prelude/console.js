// `console`, whose messages go to the contract's log.
import { log } from "kumiki:engine";

const MAX_DEPTH = 4;
const MAX_ITEMS = 100;

function quoted(value, depth, seen) {
  return typeof value === "string" ? JSON.stringify(value) : shown(value, depth, seen);
}

function list(items, [open, close]) {
  const all = items.length > MAX_ITEMS ? [...items.slice(0, MAX_ITEMS), "…"] : items;
  return all.length === 0 ? open + close : `${open} ${all.join(", ")} ${close}`;
}

function shownObject(value, depth, seen) {
  if (value instanceof Error) return `${value.stack ? `${value}\n${value.stack.trimEnd()}` : value}`;
  if (value instanceof Date || value instanceof RegExp) return String(value);
  if (seen.includes(value)) return "[Circular]";
  if (depth > MAX_DEPTH) return "…";
  const inner = [...seen, value];
  const item = (part) => quoted(part, depth + 1, inner);
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return list(Array.from(value, item), "[]");
  if (value instanceof Map) {
    return `Map ${list(Array.from(value, ([key, part]) => `${item(key)} => ${item(part)}`), "{}")}`;
  }
  if (value instanceof Set) return `Set ${list(Array.from(value, item), "{}")}`;
  const entries = Object.entries(value).map(([key, part]) => `${key}: ${item(part)}`);
  return list(entries, "{}");
}

function shown(value, depth = 0, seen = []) {
  if (typeof value === "string") return value;
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "function") return `[Function ${value.name}]`;
  if (typeof value !== "object" || value === null) return String(value);
  try {
    return shownObject(value, depth, seen);
  } catch {
    return "[object]";
  }
}

const at =
  (level) =>
  (...values) =>
    log(level, values.map((value) => shown(value)).join(" "));

const nothing = () => {};

globalThis.console = {
  debug: at("debug"),
  log: at("info"),
  info: at("info"),
  warn: at("warn"),
  error: at("error"),
  trace: at("debug"),
  dir: (value) => at("info")(value),
  assert: (holds, ...values) => holds || at("error")("Assertion failed", ...values),
  group: at("info"),
  groupEnd: nothing,
  time: nothing,
  timeEnd: nothing,
};
