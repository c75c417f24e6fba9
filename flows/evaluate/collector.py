"""Python's collector of cycles, kept from looking at millions of new objects that hold none."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_collector() -> Iterator[None]:
    """Python looks for no cycles meanwhile: among proposals and their traces that took longer than all the rules."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
