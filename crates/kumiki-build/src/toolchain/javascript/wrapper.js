// Makes both engines behave alike. It is bundled with the author's module,
// after `positions.js`. `kumikiPositions` is appended when the bundle is
// written.
// `wraps` are the wrappers of functions that are not synchronous.
function wrapInterface(name, author, functions, log, wraps = {}) {
  const wrapped = {};
  for (const [method, errors] of Object.entries(functions)) {
    const wrap = wraps[method] ?? wrapFunction;
    wrapped[method] = {
      value: wrap(`${name}.${method}`, author?.[method], errors, log, author),
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

// An asynchronous function.
function wrapAsync(name, author, errors, log, self) {
  requireFunction(name, author);
  return async (...parameters) => {
    let result;
    try {
      result = await author.apply(self, parameters);
    } catch (error) {
      throw thrown(error, errors, log);
    }
    return returned(result, errors);
  };
}

// A function that returns a stream, and a future for its outcome: the author's returns
// the chunks, usually as an asynchronous generator, and throws its errors.
function wrapStreaming(name, author, errors, log, self, isItem = () => true) {
  requireFunction(name, author);
  return async (...parameters) => {
    const outcome = wit.Future();
    let result = { tag: "ok" };
    async function* chunks() {
      try {
        for await (const chunk of await author.apply(self, parameters)) {
          if (isItem(chunk)) yield chunk;
        }
      } catch (error) {
        const failure = thrown(error, errors, log);
        // QuickJS ignores errors after the call has returned, but it traps for a result
        // that is none.
        const tag = isErrorOfContract(errors, failure) ? "err" : "uncaught";
        result = { tag, val: failure };
      } finally {
        for (const parameter of parameters) parameter?.drop?.();
      }
    }
    const { readable, completion } = wit.Stream.from(chunks());
    const report = () => outcome.writable.write(result);
    completion.then(report, (error) => {
      if (log) log("error", uncaught(error));
      result = { tag: "uncaught" };
      return report();
    });
    return [readable, outcome.readable];
  };
}

// The same for a stream of bytes, which is written in chunks.
function wrapByteStream(name, author, errors, log, self) {
  return wrapStreaming(name, author, errors, log, self, (chunk) => {
    if (!(chunk instanceof Uint8Array)) {
      throw new TypeError(`\`${name}\` yields a ${typeof chunk}, not a Uint8Array`);
    }
    // An empty write would wait for a reader.
    return chunk.length > 0;
  });
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
  return errors === "string" ? withoutMessage() : value;
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

// An Error that traps: QuickJS would return an Error's message, if it has one,
// as the error of a contract whose errors are strings.
function withoutMessage() {
  return Object.defineProperty(new Error(), "message", { value: undefined });
}

// Implements a batch function with the function for a single record. A value
// thrown for one record is that record's error. Within a list, both engines
// take results in the form of the component model. An Error is a bug here as
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
