// Upper-cases text, made by componentize-js with all its features: it imports
// WASI's files, clocks, sockets and http, and must load with nothing granted.
import { log } from "myapp:text-processor/host-api";

export const plugin = {
  getName: () => "upper-starlingmonkey",
  getVersion: () => "0.1.0",

  process(input) {
    if (input === "") {
      throw "invalid-input";
    }
    console.log("on standard output");
    log("info", `Processed at ${Date.now() > 0 ? "some time" : "no time"}`);
    return {
      output: input.toUpperCase(),
      metadata: [{ key: "transform", value: "uppercase" }],
    };
  },
};
