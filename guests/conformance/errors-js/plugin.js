// The ways in which JavaScript may answer, for the host's tests: what is
// thrown, what is returned, and what goes wrong by itself. The guest
// errors-starlingmonkey is this same file on the other engine.
export const plugin = {
  getName() {
    return "errors-js";
  },

  getVersion() {
    return "0.1.0";
  },

  process(input) {
    switch (input) {
      case "throw":
        throw "unsupported-format";
      case "throw payload":
        throw Object.assign(new Error("refused"), { payload: "unsupported-format" });
      case "return err":
        return { tag: "err", val: "internal-error" };
      case "return ok":
        return { tag: "ok", val: { output: "tagged", metadata: [] } };
      case "error":
        throw new TypeError("on purpose");
      case "mistake":
        return input.noSuchMethod();
      case "misspelled":
        throw "invalid-inptu";
      case "":
        throw "invalid-input";
      default:
        return { output: input, metadata: [] };
    }
  },
};
