"""Land data of the Copernicus Land Monitoring Service (CLMS) in xarray.

    >>> import clms
    >>> clms.search("forest Europe 2018")
    >>> clms.preload("forest-type-2015|FTY_2015_100m_eu_03035_d02_Full")
    >>> ds = clms.open("forest-type-2015|FTY_2015_100m_eu_03035_d02_Full")

The functions are the methods of a `Store` with the settings of this machine; make one of your own for another cache or key. All work
is done by the program `clms`, which the wheel of this package carries, and which works on the same cache and jobs on the command line.
"""

from ._command import program
from ._errors import ClmsError, PreloadError
from ._preload import Preload, State
from ._store import BBox, PreloadOptions, Settings, Store, Time

_here = Store()

list = _here.list
search = _here.search
describe = _here.describe
preload = _here.preload
open = _here.open
cached = _here.cached
jobs = _here.jobs

# Without list and open, which are somebody else's in a module that imports everything.
__all__ = [
    "BBox",
    "ClmsError",
    "Preload",
    "PreloadError",
    "PreloadOptions",
    "Settings",
    "State",
    "Store",
    "Time",
    "cached",
    "describe",
    "jobs",
    "preload",
    "program",
    "search",
]
