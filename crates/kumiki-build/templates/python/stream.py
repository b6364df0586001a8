"""Tidies texts: trims each line, replaces every run of (ASCII) white space with one space,
and leaves out blank lines."""

import re
from collections.abc import AsyncIterator

# Generated from the WIT by `kumiki build`.
import componentize_py_async_support as tasks
import wit_world
from componentize_py_types import Err, Ok, Result
from wit_world import exports
from wit_world.imports.host_api import LogLevel, log
from wit_world.imports.types import KeyValue, ProcessError, ProcessResult

WORD = re.compile(r"[^ \t\n\f\r]+")
CHUNK = 64 * 1024


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "{{name}}"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
        """Processes one record."""
        words = WORD.findall(input)
        if not words:
            # Return an error to the caller; any other exception ends the
            # instance.
            raise Err(ProcessError.INVALID_INPUT)
        log(LogLevel.DEBUG, f"{len(words)} words")
        return ProcessResult(
            output=" ".join(words),
            metadata=[KeyValue("words", str(len(words)))],
        )


async def transform(input: AsyncIterator[str]) -> AsyncIterator[str]:
    """Transforms a whole text: gets whole lines, one or many at once, and yields texts of
    any length. To report an error, raise `Err(ProcessError.…)`."""
    async for lines in input:
        words = (WORD.findall(line) for line in lines.split("\n"))
        yield "".join(" ".join(line) + "\n" for line in words if line)


async def read_lines(input) -> AsyncIterator[str]:
    """The text in pieces that end with a line, except perhaps the last."""
    rest = []
    while not input.writer_dropped:
        chunk = await input.read(CHUNK)
        end = chunk.rfind(b"\n") + 1
        if end > 0:
            yield b"".join([*rest, chunk[:end]]).decode()
            rest = []
        rest.append(chunk[end:])
    if last := b"".join(rest):
        yield last.decode()


class Streaming(exports.Streaming):
    """Runs `transform`: returns the output at once, and goes on."""

    async def transform(self, input):
        output, returned = wit_world.byte_stream()
        outcome, reported = wit_world.result_unit_types_process_error_future(
            lambda: Err(ProcessError.INTERNAL_ERROR)
        )
        tasks.spawn(run(input, output, outcome))
        return returned, reported


async def run(input, output, outcome):
    result: Result[None, ProcessError] = Ok(None)
    with input, output:
        try:
            async for text in transform(read_lines(input)):
                # An empty write would wait for a reader.
                if text:
                    await output.write_all(text.encode())
                if output.reader_dropped:
                    break
        except Err as error:
            result = error
    with outcome:
        await outcome.write(result)
