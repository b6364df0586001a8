// What follows was added by kumiki-build; the author's module ends above.
function kumikiWrap(exported, functions, log) {
  // An object that cannot be changed stays as it is, and so does a missing one.
  if (!exported || Object.isFrozen(exported)) return;
  for (const [name, fallible] of Object.entries(functions)) {
    const author = exported[name];
    if (typeof author !== "function") continue;
    exported[name] = function (...parameters) {
      let result;
      try {
        result = author.apply(this, parameters);
      } catch (error) {
        // A value that is thrown is the contract's error. An Error is nobody's:
        // the call ends as a trap, which alone would not say why.
        if (error instanceof Error && log) {
          log("error", `uncaught ${error.name}: ${error.message}\n${error.stack ?? ""}`.trimEnd());
        }
        throw error;
      }
      // Results may also be returned as the component model spells them.
      if (fallible && result && typeof result === "object" && "tag" in result) {
        if (result.tag === "ok") return result.val;
        if (result.tag === "err") throw result.val;
      }
      return result;
    };
  }
}
