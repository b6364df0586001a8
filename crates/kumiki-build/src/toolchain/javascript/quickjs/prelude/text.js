// TextDecoder and TextEncoder for UTF-8. A loop takes 100 ns or more for each byte, so
// functions in C convert whatever is valid.
import { decode, encode } from "kumiki:engine";

const MARK = "\ufeff";

// Whether `byte` can follow the first byte `lead` of a character.
function follows(lead, byte) {
  if (lead === 0xe0) return byte >= 0xa0 && byte <= 0xbf;
  if (lead === 0xed) return byte >= 0x80 && byte <= 0x9f;
  if (lead === 0xf0) return byte >= 0x90 && byte <= 0xbf;
  if (lead === 0xf4) return byte >= 0x80 && byte <= 0x8f;
  return byte >= 0x80 && byte <= 0xbf;
}

// The number of bytes of a character by its first byte; 0 if there is no such character.
function width(lead) {
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

// The number of valid bytes of the character at `at`.
function validBytes(bytes, at) {
  const wanted = width(bytes[at]);
  let found = Math.min(wanted, 1);
  while (found < wanted && at + found < bytes.length) {
    const byte = bytes[at + found];
    const isValid = found === 1 ? follows(bytes[at], byte) : byte >= 0x80 && byte <= 0xbf;
    if (!isValid) break;
    found += 1;
  }
  return found;
}

// The number of bytes at the end that begin a character.
function cutAtEnd(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const at = bytes.length - back;
    if (width(bytes[at]) > 0) {
      return back < width(bytes[at]) && validBytes(bytes, at) === back ? back : 0;
    }
  }
  return 0;
}

// Decodes what may be invalid: each longest part that begins a character becomes U+FFFD,
// as does each other byte.
function decodeAny(bytes) {
  let text = "";
  let start = 0;
  for (let at = 0; at < bytes.length; ) {
    const found = validBytes(bytes, at);
    if (found > 0 && found === width(bytes[at])) {
      at += found;
      continue;
    }
    text += decode(bytes.subarray(start, at)) + "\ufffd";
    at += Math.max(found, 1);
    start = at;
  }
  return text + decode(bytes.subarray(start));
}

function bytesOf(input) {
  if (input === undefined) return new Uint8Array(0);
  if (input instanceof Uint8Array) return input;
  if (ArrayBuffer.isView(input)) {
    return new Uint8Array(input.buffer, input.byteOffset, input.byteLength);
  }
  return new Uint8Array(input);
}

function joined(first, second) {
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

class TextDecoder {
  #fatal;
  #ignoreBOM;
  // The start of a character that the previous chunk cut.
  #rest = new Uint8Array(0);
  #hasStarted = false;

  constructor(label = "utf-8", { fatal = false, ignoreBOM = false } = {}) {
    if (!["utf-8", "utf8", "unicode-1-1-utf-8"].includes(String(label).trim().toLowerCase())) {
      throw new RangeError(`the encoding ${label} is not supported, only utf-8`);
    }
    this.#fatal = Boolean(fatal);
    this.#ignoreBOM = Boolean(ignoreBOM);
  }

  get encoding() {
    return "utf-8";
  }

  get fatal() {
    return this.#fatal;
  }

  get ignoreBOM() {
    return this.#ignoreBOM;
  }

  decode(input, { stream = false } = {}) {
    let bytes = bytesOf(input);
    if (this.#rest.length > 0) bytes = joined(this.#rest, bytes);
    const cut = stream ? cutAtEnd(bytes) : 0;
    // A copy: the caller may change its bytes.
    this.#rest = bytes.slice(bytes.length - cut);
    let text;
    try {
      text = this.#text(bytes.subarray(0, bytes.length - cut));
    } catch (error) {
      this.#restart();
      throw error;
    }
    if (text !== "" && !this.#hasStarted) {
      this.#hasStarted = true;
      if (!this.#ignoreBOM && text.startsWith(MARK)) text = text.slice(1);
    }
    if (!stream) this.#restart();
    return text;
  }

  #text(bytes) {
    const text = decode(bytes);
    if (text != null) return text;
    if (this.#fatal) throw new TypeError("the text is not UTF-8");
    return decodeAny(bytes);
  }

  #restart() {
    this.#rest = new Uint8Array(0);
    this.#hasStarted = false;
  }
}

class TextEncoder {
  get encoding() {
    return "utf-8";
  }

  encode(input = "") {
    return encode(String(input).toWellFormed());
  }

  encodeInto(input, destination) {
    const text = String(input);
    const bytes = this.encode(text);
    if (bytes.length <= destination.length) {
      destination.set(bytes);
      return { read: text.length, written: bytes.length };
    }
    let written = destination.length;
    while (written > 0 && (bytes[written] & 0xc0) === 0x80) written -= 1;
    const part = bytes.subarray(0, written);
    destination.set(part);
    return { read: decode(part).length, written };
  }
}

for (const value of [TextDecoder, TextEncoder]) {
  Object.defineProperty(globalThis, value.name, { value, writable: true, configurable: true });
}
