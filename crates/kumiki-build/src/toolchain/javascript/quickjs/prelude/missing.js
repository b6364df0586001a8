// What a plugin cannot have: using it says so.
const missing = (name, instead) => () => {
  throw new Error(`\`${name}\` is not available in a plugin: ${instead}`);
};

const timers = "a call has no time to wait in";
for (const [name, instead] of Object.entries({
  setTimeout: timers,
  setInterval: timers,
  setImmediate: timers,
  fetch: "use a function that the contract imports",
})) {
  globalThis[name] ??= missing(name, instead);
}
globalThis.clearTimeout ??= () => {};
globalThis.clearInterval ??= () => {};
globalThis.clearImmediate ??= () => {};
