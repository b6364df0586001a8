"""The Python plugin in CPython, over pipes: the same source as the component, with
stubs for the modules that componentize-py generates."""

import struct
import sys
import types


class KeyValue:
    def __init__(self, key, value):
        self.key, self.value = key, value


class ProcessResult:
    def __init__(self, output, metadata):
        self.output, self.metadata = output, metadata


def module(name, **contents):
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    sys.modules[name] = made
    return made


logged = []
log_level = types.SimpleNamespace(DEBUG=0, INFO=1, WARN=2, ERROR=3)
host_api = module(
    "wit_world.imports.host_api",
    log=lambda _level, message: logged.append(message),
    LogLevel=log_level,
)
kinds = module(
    "wit_world.imports.types",
    KeyValue=KeyValue,
    ProcessResult=ProcessResult,
    ProcessError=types.SimpleNamespace(INVALID_INPUT="invalid-input"),
)
imports = module("wit_world.imports", host_api=host_api, types=kinds)
exports = module("wit_world.exports", Plugin=object, Batch=object)
module("wit_world", exports=exports, imports=imports)
# Needed to import the plugin's batch interface; the pipe protocol does not use it.
module("componentize_py_types", Err=Exception, Ok=list, Result=dict)


class Echo:
    def process(self, text):
        return ProcessResult(text, [])


def plugin(work, guests):
    if work == "echo":
        return Echo()
    if work != "title":
        sys.exit(f"error: no `{work}` in Python")
    sys.path.insert(0, f"{guests}/examples/text-title-py")
    sys.dont_write_bytecode = True
    from plugin import Plugin

    return Plugin()


def main():
    process = plugin(*sys.argv[1:3]).process
    read, write, flush = sys.stdin.buffer.read, sys.stdout.buffer.write, sys.stdout.buffer.flush
    number = struct.Struct("<I")

    def put(text):
        data = text.encode()
        return number.pack(len(data)) + data

    while count := read(4):
        answers = []
        for _ in range(number.unpack(count)[0]):
            result = process(read(number.unpack(read(4))[0]).decode())
            answers += [number.pack(len(result.metadata)), put("".join(logged)), put(result.output)]
            logged.clear()
            for entry in result.metadata:
                answers += [put(entry.key), put(entry.value)]
        write(b"".join(answers))
        flush()


main()
