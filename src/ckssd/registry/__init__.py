"""Package registries as places of sources: PyPI by pip, npm by npm.

A registry is only ever asked by its own client, so the index, proxy, certificates and credentials that a
person has set up for it are used, and no address stands here. The caller verifies what comes.
"""

from ckssd.registry.download import download_from_registry

__all__ = ["download_from_registry"]
