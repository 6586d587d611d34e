"""How each kind of package is filled: a package is data, its recipe knows what to do with them.

A recipe only fills a staging folder and says what it used; :func:`install` makes that real in one step.
"""

from ckssd.recipes.download import stated_sources
from ckssd.recipes.downloads import Download, downloads_of, with_sizes
from ckssd.recipes.kinds import recipe_of
from ckssd.recipes.package import Dependency, Package
from ckssd.recipes.recipe import install, is_outdated

__all__ = [
    "Dependency",
    "Download",
    "Package",
    "downloads_of",
    "install",
    "is_outdated",
    "recipe_of",
    "stated_sources",
    "with_sizes",
]
