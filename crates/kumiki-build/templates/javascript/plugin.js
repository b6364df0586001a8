// Trims text and makes one space of every run of (ASCII) white space.
import { log } from "myapp:text-processor/host-api";

const WORD = /[^ \t\n\f\r]+/g;

/** @type {import("myapp:text-processor/plugin").Plugin} */
export const plugin = {
  getName() {
    return "{{name}}";
  },

  getVersion() {
    return "0.1.0";
  },

  // The build makes of it what the world has for many texts in one call: an
  // object `batch`, unless this module exports one.
  process(input) {
    const words = input.match(WORD);
    if (words === null) {
      // An error of the contract is its name, thrown; anything else that is
      // thrown costs the instance.
      throw "invalid-input";
    }
    log("debug", `${words.length} words`);
    return {
      output: words.join(" "),
      metadata: [{ key: "words", value: String(words.length) }],
    };
  },
};
