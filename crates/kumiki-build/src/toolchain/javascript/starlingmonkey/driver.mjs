// Builds a component from one JavaScript module. kumiki-build runs it after
// `positions.js`, in the tool's folder, so that imports find its packages, and
// passes one argument: the request, as JSON.
import { readFile, writeFile } from "node:fs/promises";

const { bundle, positions, wit, world, wasi, output } = JSON.parse(process.argv[1]);

try {
  const { componentize } = await import("@bytecodealliance/componentize-js");
  const disableFeatures = wasi ? [] : ["random", "stdio", "clocks", "http", "fetch-event"];
  const options = { sourcePath: bundle, witPath: wit, worldName: world, disableFeatures };
  const { component } = await componentize(options);
  await writeFile(output, component);
} catch (error) {
  // The stack of this driver is omitted: it does not help the module's author.
  const message = (error?.message ?? String(error)).replace(/^[:\s]+/, "");
  console.error(authorsStack(JSON.parse(await readFile(positions, "utf8")), message));
  process.exit(1);
}
