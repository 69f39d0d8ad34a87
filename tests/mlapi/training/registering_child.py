"""The real child programs of a run, in a process where a module of the tests registers its own.

`python registering_child.py <module> train|verify <arguments of the program>`: `register()` of the
module lists its pipeline, label type, input or engine.
"""

import sys
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[3]))

from mlapi.training import child, load_check_child


def main(arguments: list[str]) -> int:
    module, program, *others = arguments
    import_module(module).register()
    return {"train": child, "verify": load_check_child}[program].main(others)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
