// A module of the author's own, so that a bundle has more files than one.
import type { ProcessError, ProcessResult } from "myapp:text-processor/plugin";

/** An error of the contract that is an `Error` of JavaScript too. */
export class Refusal extends Error {
  constructor(readonly payload: ProcessError) {
    super(`refused: ${payload}`);
  }
}

/** What types would forbid, had the author not overruled them. */
export function mistake(input: string): ProcessResult {
  const wrong = input as unknown as { noSuchMethod(): ProcessResult };
  return wrong.noSuchMethod();
}
