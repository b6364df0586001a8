// The language matrix's guest in JavaScript, on QuickJS here and on
// StarlingMonkey in ../matrix-starlingmonkey; guests/README.md lists its
// commands.
import { getConfig, log } from "myapp:text-processor/host-api";

const ERRORS = ["invalid-input", "unsupported-format", "internal-error"];
const LEVELS = ["debug", "info", "warn", "error"];

// The first word and what stands behind the space after it.
function split(text) {
  const space = text.indexOf(" ");
  return space < 0 ? [text, ""] : [text.slice(0, space), text.slice(space + 1)];
}

function result(output, metadata = []) {
  return { output, metadata };
}

// No right answer of any command.
function unknown(input) {
  return result("", [{ key: "unknown", value: input }]);
}

export const plugin = {
  getName() {
    return "matrix";
  },

  getVersion() {
    return "0.1.0";
  },

  process(input) {
    const [command, rest] = split(input);
    const [first, second] = split(rest);
    switch (command) {
      case "echo":
        return result(rest);
      case "upper":
        return result(rest.toUpperCase());
      case "error":
        if (!ERRORS.includes(rest)) return unknown(input);
        throw rest;
      case "log":
        if (!LEVELS.includes(first)) return unknown(input);
        log(first, second);
        return result("");
      case "config": {
        const value = getConfig(rest);
        // An absent value is undefined.
        return value === undefined ? result("", [{ key: "absent", value: rest }]) : result(value);
      }
      case "metadata": {
        const entry = (_, index) => ({ key: `鍵-${index}`, value: `${index} 😀` });
        return result("", Array.from({ length: Number(rest) }, entry));
      }
      case "repeat":
        return result(second.repeat(Number(first)));
      case "trap":
        throw new Error("on purpose");
      default:
        return unknown(input);
    }
  },
};
