// Makes StarlingMonkey treat results and errors as QuickJS does. It is bundled with the
// author's module, after `positions.js`. `kumikiPositions` is appended when the bundle is
// written.
function wrapInterface(name, author, functions, log) {
  const wrapped = {};
  for (const [method, errors] of Object.entries(functions)) {
    wrapped[method] = {
      value: wrapFunction(`${name}.${method}`, author?.[method], errors, log, author),
      enumerable: true,
    };
  }
  // The author's object may be frozen, or an instance of a class.
  return Object.create(author, wrapped);
}

// `errors` are the names of the contract's errors, or "string" if any string is
// one, or true if they are other values, or false if the function has none.
function wrapFunction(name, author, errors, log, self) {
  requireFunction(name, author);
  return (...parameters) => {
    let result;
    try {
      result = author.apply(self, parameters);
    } catch (error) {
      throw thrown(error, errors, log);
    }
    return returned(result, errors);
  };
}

function requireFunction(name, author) {
  if (typeof author !== "function") {
    throw new TypeError(`the module exports no function \`${name}\`, which the world requires`);
  }
}

// What to throw for an error of the author's function.
function thrown(error, errors, log) {
  // An Error may have the contract's error as its payload, as in
  // componentize-js.
  const hasPayload = errors && error instanceof Error && "payload" in error;
  const value = hasPayload ? error.payload : error;
  if (isErrorOfContract(errors, value)) return value;
  // Anything else is a bug: it ends the call as a trap, which has no
  // message, so it is logged first.
  if (log) log("error", uncaught(error));
  return value;
}

// Results may also be returned in the form of the component model.
function returned(result, errors) {
  if (errors && result && typeof result === "object" && "tag" in result) {
    if (result.tag === "ok") return result.val;
    if (result.tag === "err") throw result.val;
  }
  return result;
}

function isErrorOfContract(errors, thrown) {
  if (thrown instanceof Error) return false;
  if (errors === "string") return typeof thrown === "string";
  return errors === true || (errors && errors.includes(thrown));
}

// Implements a batch function with the function for a single record. A value
// thrown for one record is that record's error. Within a list, the engine
// takes results in the form of the component model. An Error is a bug here as
// well and ends the call: the host then retries with halves of the batch until
// the failing record is alone.
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
  if (typeof error === "string") return `uncaught ${JSON.stringify(error)}`;
  if (!(error instanceof Error)) return `uncaught ${String(error)}`;
  const stack = authorsStack(kumikiPositions, error.stack ?? "");
  return `uncaught ${error.name}: ${error.message}\n${stack}`.trimEnd();
}
