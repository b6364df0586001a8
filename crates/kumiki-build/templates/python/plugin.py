"""Trims text and replaces every run of (ASCII) white space with one space."""

import re

# Generated from the WIT by `kumiki build`.
from componentize_py_types import Err, Ok, Result
from wit_world import exports
from wit_world.imports.host_api import LogLevel, log
from wit_world.imports.types import KeyValue, ProcessError, ProcessResult

WORD = re.compile(r"[^ \t\n\f\r]+")


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "{{name}}"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
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


class Batch(exports.Batch):
    """Processes many records in one call, which is faster."""

    def process_batch(self, inputs: list[str]) -> list[Result[ProcessResult, ProcessError]]:
        return [attempt(input) for input in inputs]


def attempt(input: str) -> Result[ProcessResult, ProcessError]:
    try:
        return Ok(Plugin().process(input))
    except Err as error:
        return error
