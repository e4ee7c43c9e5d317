"""What a process that is about to be forked again and again imports last: its objects are no longer collected.

A collection writes into every object that it looks at, so a fork whose first collection visits all that was loaded
before copies the memory that it shares, and pays for it each time. What is frozen is never visited, in any fork.
"""

from __future__ import annotations

import gc

gc.collect()
gc.freeze()
