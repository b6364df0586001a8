// What evens out the engines. It is bundled around the author's module, and
// `positions.js` before it; `kumikiPositions` comes last, when the bundle is
// made.
function wrapInterface(name, author, functions, log) {
  const wrapped = {};
  for (const [method, fallible] of Object.entries(functions)) {
    wrapped[method] = {
      value: wrapFunction(`${name}.${method}`, author?.[method], fallible, log, author),
      enumerable: true,
    };
  }
  // The author's object may be frozen, or an instance of a class.
  return Object.create(author, wrapped);
}

function wrapFunction(name, author, fallible, log, self) {
  if (typeof author !== "function") {
    throw new TypeError(`the module exports no function \`${name}\`, which the world asks for`);
  }
  return (...parameters) => {
    let result;
    try {
      result = author.apply(self, parameters);
    } catch (error) {
      const isError = error instanceof Error;
      // An Error may carry the contract's error, as componentize-js has it.
      if (fallible && isError && "payload" in error) throw error.payload;
      // Any other value that is thrown is the contract's error. An Error is
      // nobody's: the call ends as a trap, which alone would not say why.
      if (log && (isError || !fallible)) log("error", uncaught(error));
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

// Many at once of what is there for one, each tried for itself: what is thrown
// for one is that one's error. Within a list both engines take results as the
// component model spells them. An Error is nobody's here either, and ends the
// call: the host asks again, half by half, until what is to blame stands alone.
function batchOf(one) {
  return (inputs) =>
    inputs.map((input) => {
      try {
        return { tag: "ok", val: one(input) };
      } catch (error) {
        if (error instanceof Error) throw error;
        return { tag: "err", val: error };
      }
    });
}

function uncaught(error) {
  if (!(error instanceof Error)) return `uncaught ${String(error)}`;
  const stack = authorsStack(kumikiPositions, error.stack ?? "");
  return `uncaught ${error.name}: ${error.message}\n${stack}`.trimEnd();
}
