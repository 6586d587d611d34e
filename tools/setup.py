"""Start the set-up of this checkout: ``setup.py [--dev]`` (``--dev``: for the tests, too).

This file must be understood by any Python, even Python 2, so that it can say which one is needed; the work
is in ``checkout.py`` beside it.
"""

import sys

OLDEST, NEWEST = (3, 10), (3, 13)

if not OLDEST <= sys.version_info[:2] <= NEWEST:
    needed = "Python {}.{} to {}.{} is needed".format(*(OLDEST + NEWEST))
    running = "{} is Python {}.{}.{}".format(sys.executable, *sys.version_info[:3])
    advice = "Name another one: make setup PYTHON=/path/to/python{}.{}".format(*NEWEST)
    sys.exit("setup: " + needed + ", and " + running + "\n       " + advice)

if __name__ == "__main__":
    from checkout import main

    main(dev=sys.argv[1:] == ["--dev"])
