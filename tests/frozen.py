"""Hide from the garbage collector what is imported so far.

Imported where forks are made, it spares each fork from looking at a hundred thousand objects, and so from copying their
memory: a server does so when it has started.
"""

import gc

gc.collect()
gc.freeze()
