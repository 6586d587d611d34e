"""The library behind ck-ssd: everything that is logic, without Collective Knowledge.

Only :mod:`ckssd.ck` knows CK; every other room can be used and tested on its own.
"""

__version__ = "0.1.0"
