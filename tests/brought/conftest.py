"""What the tests of this room share."""

from tests.support.fixtures import server

__all__ = ["server"]
