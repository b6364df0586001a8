// Awaits a function of its host for each text. Calls with the text `shared` await one promise
// together, which the first of them made.
import lookUp from "look-up";

let shared;

export async function enrich(text) {
  if (text === "shared") {
    const isFirst = !shared;
    shared ??= lookUp("1");
    const found = await shared;
    return `${isFirst ? "first" : "later"}: ${found}`;
  }
  return `${text}: ${await lookUp(text)}`;
}

export function describe() {
  return "enriches";
}
