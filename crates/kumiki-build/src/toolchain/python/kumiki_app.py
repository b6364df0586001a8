"""The plugin's module, with a log record for each exception that nothing catches.

componentize-py ends the call as a trap, which has no message, and calls
`sys.excepthook` before. A call that does not fail runs nothing of this module.
"""

import importlib
import os
import sys

MESSAGE = 500  # characters
FRAMES = 20  # of the innermost calls of each exception
CAUSES = 4
FOLDER = __file__.removesuffix("kumiki_app.py")


def describe(error):
    try:
        text = str(error)[:MESSAGE]
    except Exception:
        text = "its message cannot be shown"
    name = type(error).__name__
    return f"{name}: {text}" if text else name


# Innermost call first.
def frames(trace):
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        file = code.co_filename.removeprefix(FOLDER)
        # Not those of this module and of componentize-py's.
        if file != "kumiki_app.py" and not file.startswith("/bundled/"):
            places.append(f"\n    at {code.co_qualname} ({file}:{trace.tb_lineno})")
        trace = trace.tb_next
    places.reverse()
    left_out = len(places) - FRAMES
    more = f"\n    and {left_out} calls further out" if left_out > 0 else ""
    return "".join(places[:FRAMES]) + more


def report(kind, error, trace):
    # Only during the build, when there is no host.
    if "PYTHONHOME" in os.environ:
        sys.__excepthook__(kind, error, trace)
        return
    text = f"uncaught {describe(error)}{frames(trace)}"
    for _ in range(CAUSES):
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is None:
            break
        text += f"\ncaused by {describe(error)}{frames(error.__traceback__)}"
    # A lone surrogate is no valid text.
    log(text.encode("utf-8", "replace").decode())


# For asynchronous functions: componentize-py raises here what a task has not caught, and
# calls no hook.
def reported(poll):
    def run(loop, state):
        try:
            poll(loop, state)
        except Exception as error:
            report(type(error), error, error.__traceback__)
            raise

    return run


# LOG

author = importlib.import_module(AUTHOR)


# componentize-py looks here for the classes that the world requires.
def __getattr__(name):
    return getattr(author, name)
