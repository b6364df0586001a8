"""The guest in Python of the language matrix of streams; guests/README.md lists its modes."""

import codecs

import componentize_py_async_support as tasks
import wit_world
from componentize_py_types import Err, Ok
from wit_world import exports
from wit_world.imports.host_api import get_config
from wit_world.imports.types import ProcessError, ProcessResult

CHUNK = 64 * 1024


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "stream"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
        return ProcessResult(input.upper(), [])


class Streaming(exports.Streaming):
    async def transform(self, input):
        output, returned = wit_world.byte_stream()
        outcome, reported = wit_world.result_unit_types_process_error_future(
            lambda: Err(ProcessError.INTERNAL_ERROR)
        )
        tasks.spawn(run(input, output, outcome))
        return returned, reported


async def run(input, output, outcome):
    result = Ok(None)
    with input, output:
        try:
            async for chunk in modes(input):
                if chunk:
                    await output.write_all(chunk)
                if output.reader_dropped:
                    break
        except Err as error:
            result = error
    with outcome:
        await outcome.write(result)


async def chunks(input):
    while not input.writer_dropped:
        yield await input.read(CHUNK)


async def texts(input):
    decoder = codecs.getincrementaldecoder("utf-8")()
    async for chunk in chunks(input):
        yield decoder.decode(chunk)
    yield decoder.decode(b"", final=True)


async def modes(input):
    match get_config("mode") or "":
        case "pass":
            async for chunk in chunks(input):
                yield chunk
        case "" | "upper":
            async for text in texts(input):
                yield text.upper().encode()
        case "lines":
            number, rest = 0, b""
            async for chunk in chunks(input):
                *lines, rest = (rest + chunk).split(b"\n")
                numbered = enumerate(lines, number + 1)
                yield b"".join(b"%d %s\n" % (at, line) for at, line in numbered)
                number += len(lines)
            if rest:
                yield b"%d %s" % (number + 1, rest)
        case "error first":
            raise Err(ProcessError.UNSUPPORTED_FORMAT)
        case "error later":
            yield b"some"
            raise Err(ProcessError.UNSUPPORTED_FORMAT)
        case "first word":
            yield b"word"
        case "endless":
            while True:
                yield b"endless " * 8192
        case "trap later":
            yield b"some"
            raise RuntimeError("on purpose")
        case mode:
            raise RuntimeError(f"no such mode: {mode}")
