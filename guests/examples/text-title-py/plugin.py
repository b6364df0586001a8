"""Title-cases text: the example plugin in Python.

A character is a Unicode code point; a word is what white space separates. Each
word's first letter is title-cased and the rest lower-cased, so that an
apostrophe starts no new word, as str.title() would have it.
"""

import re

from componentize_py_types import Err, Ok, Result
from wit_world import exports
from wit_world.imports import host_api
from wit_world.imports.host_api import LogLevel
from wit_world.imports.types import KeyValue, ProcessError, ProcessResult

WORD = re.compile(r"\S+")


def title(word: re.Match[str]) -> str:
    text = word.group()
    return text[0].title() + text[1:].lower()


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "text-title-py"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
        if not input:
            host_api.log(LogLevel.WARN, "Empty input received")
            raise Err(ProcessError.INVALID_INPUT)
        output, words = WORD.subn(title, input)
        host_api.log(LogLevel.INFO, f"Title-cased {words} words")
        return ProcessResult(
            output,
            [KeyValue("words", str(words)), KeyValue("transform", "titlecase")],
        )


class Batch(exports.Batch):
    """By which the host gives many records in one call: the same, faster."""

    def process_batch(self, inputs: list[str]) -> list[Result[ProcessResult, ProcessError]]:
        return [attempt(input) for input in inputs]


def attempt(input: str) -> Result[ProcessResult, ProcessError]:
    try:
        return Ok(Plugin().process(input))
    except Err as error:
        return error
