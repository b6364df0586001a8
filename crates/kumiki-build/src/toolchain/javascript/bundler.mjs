// Bundles the author's module, using esbuild. kumiki-build
// runs it in esbuild's folder, so that the import finds it, and passes one
// argument: the request, as JSON.
import { writeFile } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { build, formatMessages } from "esbuild";

const { start, folder, shown, imports, functions, bundle, positions } = JSON.parse(
  process.argv[1],
);
// The module that imports the author's.
const START = "kumiki-start";
// The namespace of modules for functions that the world imports directly.
const FUNCTION = "kumiki-function";

const contract = {
  name: "contract",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, namespace }) => {
      if (!imports.includes(path)) return undefined;
      const isFunction = Object.hasOwn(functions, path) && namespace !== FUNCTION;
      return isFunction ? { path, namespace: FUNCTION } : { path, external: true };
    });
    build.onLoad({ filter: /./, namespace: FUNCTION }, ({ path }) => ({ contents: functions[path] }));
  },
};

// Decodes the numbers of a source map's segment.
function decode(segment) {
  const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const numbers = [];
  let [value, shift] = [0, 0];
  for (const letter of segment) {
    const digit = digits.indexOf(letter);
    value += (digit & 31) << shift;
    shift += 5;
    if (digit < 32) {
      numbers.push(value & 1 ? -(value >> 1) : value >> 1);
      [value, shift] = [0, 0];
    }
  }
  return numbers;
}

// Builds the map from lines of the bundle to the author's. An entry is added only where there
// is code and where it differs from the previous entry.
function places(mappings, code) {
  const places = [];
  const indents = code.split("\n").map((line) => line.search(/\S/));
  let [file, authors, last] = [0, 0, []];
  mappings.split(";").forEach((segments, line) => {
    let column = 0;
    for (const segment of segments.split(",")) {
      const [columns, files, lines] = decode(segment);
      if (columns === undefined) continue;
      column += columns;
      if (files === undefined) continue;
      file += files;
      authors += lines;
      const shift = authors - line;
      if (column < indents[line] || (last[2] === file && last[3] === shift)) continue;
      last = [line + 1, column, file, shift];
      places.push(last);
    }
  });
  return places;
}

function authorsFile(source) {
  if (source.startsWith(`${FUNCTION}:`)) return null;
  const path = resolve(bundle, "..", source);
  const file = relative(folder, path);
  return file === START ? null : file.replaceAll("\\", "/");
}

try {
  const { outputFiles } = await build({
    stdin: { contents: start, resolveDir: folder, sourcefile: START },
    absWorkingDir: folder,
    outfile: bundle,
    plugins: [contract],
    bundle: true,
    write: false,
    format: "esm",
    platform: "neutral",
    mainFields: ["module", "main"],
    target: "es2022",
    charset: "utf8",
    sourcemap: "external",
    sourcesContent: false,
    logLevel: "silent",
  });
  const output = (ending) => outputFiles.find(({ path }) => path.endsWith(ending)).text;
  const code = output(".js");
  const { sources, mappings } = JSON.parse(output(".map"));
  const found = JSON.stringify({
    files: sources.map(authorsFile),
    places: places(mappings, code),
  });
  await writeFile(bundle, `${code}var kumikiPositions = ${found};\n`);
  await writeFile(positions, found);
} catch (error) {
  if (!error?.errors) throw error;
  for (const message of error.errors) {
    if (message.location?.file === START) {
      message.location = null;
      message.notes.push({ text: "The world in kumiki.toml requires it." });
    }
    if (message.text.startsWith("Could not resolve")) {
      // Replaces esbuild's advice about options that cannot be set here.
      const text = "Import from the contract, from files, or from packages in a node_modules folder.";
      message.notes = [{ text: `${text} Node's built-in modules are not available.` }];
    }
    for (const { location } of [message, ...message.notes]) {
      if (location) location.file = join(shown, location.file);
    }
  }
  const messages = await formatMessages(error.errors, { kind: "error", color: false });
  console.error(messages.join("").trimEnd());
  process.exit(1);
}
