"""``python -m ckssd``: the same as the command ``ckssd``."""

import sys

from ckssd.cli import main

sys.exit(main())
