"""What the tests of this room share."""

from tests.support.fixtures import folder, server

__all__ = ["folder", "server"]
