"""The child's end of the pipe: a line of JSON comes in, one thing is measured, a line of JSON goes out.

Knows nothing of what is measured. Only the standard library, so that the peers' Python can import it too.
"""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any

Operations = Mapping[str, Callable[..., Any]]


def serve(open_side: Callable[[], Operations]) -> None:
    """Call `open_side`, say that it is done, then answer requests until the input ends.

    A request is `{"operation": name, "arguments": {...}}`; the answer `{"result": ...}` or `{"error": text}`. Between
    two requests the process sleeps.
    """
    # Libraries print what they like: their standard output becomes standard error, ours is a copy of the real one.
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

        def answer(work: Callable[[], Any]) -> None:
            try:
                line = json.dumps({"result": work()})
            except Exception:
                line = json.dumps({"error": traceback.format_exc()})
            answers.write(line + "\n")
            answers.flush()

        operations: Operations = {}

        def open_now() -> str:
            nonlocal operations
            operations = open_side()
            return "ready"

        answer(open_now)
        for line in sys.stdin:
            request = json.loads(line)
            answer(lambda request=request: operations[request["operation"]](**request["arguments"]))
