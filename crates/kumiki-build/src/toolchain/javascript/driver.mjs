// Makes a component of one JavaScript module. Run by kumiki-build, behind
// `positions.js`, with the tool's folder as the working folder, so that its
// packages are found, and with one argument: what to do, as JSON.
import { readFile, writeFile } from "node:fs/promises";

const { engine, bundle, positions, wit, world, wasi, output } = JSON.parse(process.argv[1]);

async function quickjs() {
  const { componentize } = await import("componentize-qjs");
  const jsSource = await readFile(bundle, "utf8");
  return componentize({ witPath: wit, world, jsSource, sync: true, optSize: true, stubWasi: !wasi });
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
  // Without the stack of this driver, which is nothing to the module's author.
  const message = (error?.message ?? String(error)).replace(/^[:\s]+/, "");
  console.error(authorsStack(JSON.parse(await readFile(positions, "utf8")), message));
  process.exit(1);
}
