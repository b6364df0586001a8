// Builds a component from one JavaScript module. kumiki-build runs it after
// `positions.js`, in the tool's folder, so that imports find its packages, and
// passes one argument: the request, as JSON.
import { readFile, writeFile } from "node:fs/promises";

const { engine, bundle, positions, wit, world, isAsync, wasi, output } = JSON.parse(process.argv[1]);

async function quickjs() {
  const { componentize } = await import("componentize-qjs");
  const jsSource = await readFile(bundle, "utf8");
  // The runtime for asynchronous functions is also the faster one.
  const runtime = isAsync ? {} : { sync: true, optSize: true };
  return componentize({ witPath: wit, world, jsSource, ...runtime, stubWasi: !wasi });
}

async function starlingmonkey() {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const disableFeatures = wasi ? [] : ["random", "stdio", "clocks", "http", "fetch-event"];
  return componentize({ sourcePath: bundle, witPath: wit, worldName: world, disableFeatures });
}

try {
  const { component } = await { quickjs, starlingmonkey }[engine]();
  await writeFile(output, component);
} catch (error) {
  // The stack of this driver is omitted: it does not help the module's author.
  const message = (error?.message ?? String(error)).replace(/^[:\s]+/, "");
  console.error(authorsStack(JSON.parse(await readFile(positions, "utf8")), message));
  process.exit(1);
}
