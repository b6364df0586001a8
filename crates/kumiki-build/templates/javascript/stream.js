// Tidies texts: trims each line, replaces every run of (ASCII) white space with one space,
// and leaves out blank lines.
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

  // Processes one record.
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

/** @type {import("myapp:text-processor/streaming").Streaming} */
export const streaming = {
  // Transforms a whole text: reads chunks of bytes, which may end within a character
  // or a line, and yields chunks. If nobody reads the output any more, it ends at a
  // `yield`, after its `finally` blocks. Errors are thrown as in `process`.
  async *transform(input) {
    const encoder = new TextEncoder();
    for await (const lines of readLines(input)) {
      const tidied = lines.split("\n").map((line) => line.match(WORD)?.join(" "));
      yield encoder.encode(tidied.map((line) => (line ? line + "\n" : "")).join(""));
    }
  },
};

// The text in pieces that end with a line, except perhaps the last.
/** @param {AsyncIterable<Uint8Array>} input */
async function* readLines(input) {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of input) {
    const text = rest + decoder.decode(chunk, { stream: true });
    const end = text.lastIndexOf("\n") + 1;
    if (end > 0) yield text.slice(0, end);
    rest = text.slice(end);
  }
  if (rest !== "") yield rest;
}
