"""Upper-cases text, made by componentize-py with the whole of WASI 0.2, which
CPython imports: it must load with nothing granted."""

import os

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.host_api import LogLevel, log
from wit_world.imports.types import KeyValue, ProcessError, ProcessResult


class Plugin(exports.Plugin):
    def get_name(self) -> str:
        return "upper-python"

    def get_version(self) -> str:
        return "0.1.0"

    def process(self, input: str) -> ProcessResult:
        if not input:
            raise Err(ProcessError.INVALID_INPUT)
        print("on standard output")
        log(LogLevel.INFO, f"Processed {len(input)} characters")
        return ProcessResult(
            output=input.upper(),
            metadata=[
                KeyValue("transform", "uppercase"),
                KeyValue("environment_variables", str(len(os.environ))),
            ],
        )
