// The guest in JavaScript of the language matrix of streams; guests/README.md
// lists its modes.
import { getConfig } from "myapp:text-processor/host-api";

const encoder = new TextEncoder();
const encode = (text) => encoder.encode(text);

async function* texts(input) {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of input) yield decoder.decode(chunk, { stream: true });
  yield decoder.decode();
}

async function* numbered(input) {
  let number = 0;
  let rest = "";
  const withNumber = (line) => `${(number += 1)} ${line}`;
  for await (const text of texts(input)) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    yield encode(lines.map((line) => withNumber(line) + "\n").join(""));
  }
  if (rest !== "") yield encode(withNumber(rest));
}

async function* modes(input) {
  const mode = getConfig("mode") ?? "";
  switch (mode) {
    case "pass":
      for await (const chunk of input) yield chunk;
      return;
    case "":
    case "upper":
      for await (const text of texts(input)) yield encode(text.toUpperCase());
      return;
    case "lines":
      yield* numbered(input);
      return;
    case "error first":
      throw "unsupported-format";
    case "error later":
      yield encode("some");
      throw "unsupported-format";
    case "first word":
      yield encode("word");
      return;
    case "endless": {
      const words = encode("endless ".repeat(8192));
      for (;;) yield words;
    }
    case "trap later":
      yield encode("some");
      throw new Error("on purpose");
    default:
      throw new Error(`no such mode: ${mode}`);
  }
}

export const streaming = { transform: modes };

export const plugin = {
  getName() {
    return "stream";
  },

  getVersion() {
    return "0.1.0";
  },

  process(input) {
    return { output: input.toUpperCase(), metadata: [] };
  },
};
