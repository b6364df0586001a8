// Maps a position in the bundle to the author's file. `files` has the names of
// the author's files, and null for other files. `places` is sorted: from [line,
// column] of the bundle on, the code comes from file number `file`, `shift`
// lines further down.
function authorsPlace({ files, places }, line, column) {
  let found;
  for (const place of places) {
    if (place[0] > line || (place[0] === line && place[1] >= column)) break;
    found = place;
  }
  if (!found || files[found[2]] === null) return undefined;
  return `${files[found[2]]}:${line + found[3]}`;
}

// Maps the positions in a stack or message to the author's files, and removes
// lines about the wrapper or the engine's own files.
function authorsStack(positions, text) {
  const inBundle = /kumiki-bundle\.js:(\d+):(\d+)/g;
  const lines = [];
  for (const line of text.split("\n")) {
    let isForeign = /[\\/]initializer\.js:\d+/.test(line);
    const mapped = line.replace(inBundle, (place, row, column) => {
      const author = authorsPlace(positions, Number(row), Number(column));
      isForeign ||= author === undefined;
      return author ?? place;
    });
    if (!isForeign) lines.push(mapped);
    // Also remove the engine's function through which the wrapper calls the
    // author's.
    while (isForeign && lines.at(-1)?.endsWith("(native)")) lines.pop();
  }
  return lines.join("\n").trimEnd();
}
