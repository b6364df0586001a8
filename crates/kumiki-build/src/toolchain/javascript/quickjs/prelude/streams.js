// Writes what a plugin passes on: streams from iterables, and futures from promises.
import { end, report, senders, write, writeFuture } from "kumiki:engine";

// `outcome` is the future of a function that streams its result, and `inputs` are the
// streams that it has been called with.
async function sendStream(chunks, stream, outcome, inputs = []) {
  let failure;
  try {
    for await (const chunk of chunks) {
      // Nobody reads any more: this also ends a generator.
      if (!(await write(stream, chunk))) break;
    }
  } catch (error) {
    failure = { error };
  }
  for (const input of inputs) input.drop();
  end(stream);
  if (outcome) await (failure ? report(outcome, failure.error) : report(outcome));
  else if (failure) throw failure.error;
}

async function sendFuture(value, future) {
  await writeFuture(future, await value);
}

senders(sendStream, sendFuture);
