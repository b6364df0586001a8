// From places in the bundle to the author's. `positions` has the names of the
// author's files, null for what is not theirs, and `places`, in order: from
// [line, column] of the bundle on, file number `file` is `shift` lines ahead.
function authorsPlace({ files, places }, line, column) {
  let found;
  for (const place of places) {
    if (place[0] > line || (place[0] === line && place[1] >= column)) break;
    found = place;
  }
  if (!found || files[found[2]] === null) return undefined;
  return `${files[found[2]]}:${line + found[3]}`;
}

// A stack, or a message with places, with the author's places in it. Lines that
// tell of the wrapper or of the engine's own files are nothing to the author.
function authorsStack(positions, text) {
  const inBundle = /(?:componentize-qjs:user\.js|kumiki-bundle\.js):(\d+):(\d+)/g;
  const lines = [];
  for (const line of text.split("\n")) {
    let isForeign = /[\\/]initializer\.js:\d+/.test(line);
    const mapped = line.replace(inBundle, (place, row, column) => {
      const author = authorsPlace(positions, Number(row), Number(column));
      isForeign ||= author === undefined;
      return author ?? place;
    });
    if (!isForeign) lines.push(mapped);
    // Nor is the engine's own function by which the wrapper calls the author's.
    while (isForeign && lines.at(-1)?.endsWith("(native)")) lines.pop();
  }
  return lines.join("\n").trimEnd();
}
