"""Start the set-up of this checkout: ``setup.py [--dev]`` (``--dev``: for the tests, too).

This file must be understood by any Python, even Python 2, so that it can say which one is needed; the work
is in ``checkout.py`` beside it.
"""

import os
import sys

OLDEST, NEWEST = (3, 10), (3, 14)


def one_that_fits():
    """Return a fitting Python's path: of the newest on PATH, else one to put a real path in place of."""
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        for folder in os.environ.get("PATH", "").split(os.pathsep):
            path = os.path.join(folder, "python3.{}".format(minor))
            # pyenv's shims fail for a version that is not selected.
            if os.path.basename(folder) != "shims" and os.access(path, os.X_OK):
                return path
    return "/path/to/python{}.{}".format(*NEWEST)


if not OLDEST <= sys.version_info[:2] <= NEWEST:
    running = "{} is Python {}.{}.{}".format(sys.executable, *sys.version_info[:3])
    needed = "{}.{} to {}.{} is needed".format(*(OLDEST + NEWEST))
    sys.exit("setup: " + running + ", and " + needed + ": make setup PYTHON=" + one_that_fits())

if __name__ == "__main__":
    from checkout import main

    main(dev=sys.argv[1:] == ["--dev"])
