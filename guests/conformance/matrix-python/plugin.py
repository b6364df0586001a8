"""The language matrix's guest in Python; guests/README.md lists its commands."""

from componentize_py_types import Err, Ok, Result
from wit_world import exports
from wit_world.imports.host_api import LogLevel, get_config, log
from wit_world.imports.types import KeyValue, ProcessError, ProcessResult

ERRORS = {
    "invalid-input": ProcessError.INVALID_INPUT,
    "unsupported-format": ProcessError.UNSUPPORTED_FORMAT,
    "internal-error": ProcessError.INTERNAL_ERROR,
}
LEVELS = {
    "debug": LogLevel.DEBUG,
    "info": LogLevel.INFO,
    "warn": LogLevel.WARN,
    "error": LogLevel.ERROR,
}


def obey(input: str) -> ProcessResult:
    command, _, rest = input.partition(" ")
    first, _, second = rest.partition(" ")
    match command:
        case "echo":
            return ProcessResult(rest, [])
        case "upper":
            return ProcessResult(rest.upper(), [])
        case "error" if rest in ERRORS:
            raise Err(ERRORS[rest])
        case "log" if first in LEVELS:
            log(LEVELS[first], second)
            return ProcessResult("", [])
        case "config":
            value = get_config(rest)
            if value is None:
                return ProcessResult("", [KeyValue("absent", rest)])
            return ProcessResult(value, [])
        case "metadata":
            entries = [KeyValue(f"鍵-{index}", f"{index} 😀") for index in range(int(rest))]
            return ProcessResult("", entries)
        case "repeat":
            return ProcessResult(second * int(first), [])
        case "trap":
            raise RuntimeError("on purpose")
        case _:
            # No right answer of any command.
            return ProcessResult("", [KeyValue("unknown", input)])


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "matrix"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
        return obey(input)


class Batch(exports.Batch):
    def process_batch(self, inputs: list[str]) -> list[Result[ProcessResult, ProcessError]]:
        return [attempt(input) for input in inputs]


def attempt(input: str) -> Result[ProcessResult, ProcessError]:
    try:
        return Ok(obey(input))
    except Err as error:
        return error
