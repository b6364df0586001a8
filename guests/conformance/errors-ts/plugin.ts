// The ways in which TypeScript may answer, for the host's tests: the same as
// those of errors-js, with types that stay behind and a module of its own.
import type { Plugin, ProcessError, ProcessResult } from "myapp:text-processor/plugin";
import { Refusal, mistake } from "./mistakes.ts";

interface Tagged {
  tag: "ok";
  val: ProcessResult;
}

const refusals = new Map<string, ProcessError>([
  ["throw", "unsupported-format"],
  ["", "invalid-input"],
]);

export const plugin: Plugin = {
  getName: () => "errors-ts",
  getVersion: () => "0.1.0",

  process(input: string) {
    const refusal = refusals.get(input);
    if (refusal !== undefined) throw refusal;
    switch (input) {
      case "throw payload":
        throw new Refusal("unsupported-format");
      case "return err":
        return { tag: "err", val: "internal-error" };
      case "return ok":
        return { tag: "ok", val: { output: "tagged", metadata: [] } } satisfies Tagged;
      case "error":
        throw new TypeError("on purpose");
      case "mistake":
        return mistake(input);
      case "misspelled":
        throw "invalid-inptu";
      default:
        return { output: input, metadata: [] };
    }
  },
};
