// Decodes and encodes with TextDecoder and TextEncoder, as the input says, which is JSON:
// {"chunks": ["e69c", "a8"], "options": {"fatal": true}} returns the text of each chunk, and
// {"text": "…", "room": 3} the bytes that fit.

const fromHex = (hex) => Uint8Array.fromHex(hex);

// The same bytes in the ways in which they can be passed.
const ways = [
  (bytes) => bytes,
  (bytes) => bytes.buffer,
  (bytes) => new DataView(bytes.buffer),
  (bytes) => {
    const longer = new Uint8Array(bytes.length + 4).fill(0xff);
    longer.set(bytes, 2);
    return longer.subarray(2, 2 + bytes.length);
  },
];

function decode({ chunks, options, label }) {
  const decoder = new TextDecoder(label, options);
  const texts = chunks.map((hex, index) => {
    const bytes = fromHex(hex);
    const text = decoder.decode(ways[index % ways.length](bytes), { stream: true });
    // What the decoder keeps must be a copy.
    bytes.fill(0xff);
    return text;
  });
  return [...texts, decoder.decode()];
}

function encode({ text, room }) {
  const encoder = new TextEncoder();
  if (room === undefined) return [encoder.encode(text).toHex()];
  const bytes = new Uint8Array(room);
  const { read, written } = encoder.encodeInto(text, bytes);
  return [bytes.subarray(0, written).toHex(), String(read)];
}

export const plugin = {
  getName() {
    return "coding";
  },

  getVersion() {
    return "0.1.0";
  },

  process(input) {
    const request = JSON.parse(input);
    let parts;
    try {
      parts = request.chunks ? decode(request) : encode(request);
    } catch (error) {
      parts = [error.name];
    }
    const metadata = parts.map((value) => ({ key: "part", value }));
    return { output: "", metadata };
  },
};
