// Trims text and replaces every run of (ASCII) white space with one space.
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

  // The build also derives the batch function of the world from this one: the
  // object `batch`, unless this module exports it.
  process(input) {
    const words = input.match(WORD);
    if (words === null) {
      // To return an error of the contract, throw its name. Any other thrown
      // value ends the instance.
      throw "invalid-input";
    }
    log("debug", `${words.length} words`);
    return {
      output: words.join(" "),
      metadata: [{ key: "words", value: String(words.length) }],
    };
  },
};
