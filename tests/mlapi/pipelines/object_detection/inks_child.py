"""The real child programs of a run, in a process that has the engine `inks`.

`python inks_child.py train|verify <arguments of the program>`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[4]))

from mlapi.training import child, load_check_child
from tests.mlapi.pipelines.object_detection import inks

if __name__ == "__main__":
    inks.register()
    program = {"train": child, "verify": load_check_child}[sys.argv[1]]
    sys.exit(program.main(sys.argv[2:]))
