// Counts words and characters: the example plugin in JavaScript.
//
// A character is a Unicode scalar value; words are what stands between Unicode
// white space. JavaScript's own \s is another set, so the set is spelled out.
import { log } from "myapp:text-processor/host-api";

const WORD = /[^\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/g;
const HIGH_SURROGATE = /[\ud800-\udbff]/g;

function count(input, pattern) {
  return input.match(pattern)?.length ?? 0;
}

export const plugin = {
  getName() {
    return "text-wordcount-js";
  },

  getVersion() {
    return "0.1.0";
  },

  process(input) {
    const words = count(input, WORD);
    if (words === 0) {
      // The contract's error: what is thrown is its value.
      throw "invalid-input";
    }
    // A character beyond U+FFFF is a pair of UTF-16 units in JavaScript.
    const characters = input.length - count(input, HIGH_SURROGATE);
    const output = `Words: ${words}, Characters: ${characters}`;
    log("info", output);
    return {
      output,
      metadata: [
        { key: "word_count", value: String(words) },
        { key: "char_count", value: String(characters) },
        { key: "transform", value: "wordcount" },
      ],
    };
  },
};
