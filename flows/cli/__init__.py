"""The command line: `fivestar`. It calls what the flows call; heavy imports wait until a command needs them."""

from flows.cli.app import main

__all__ = ["main"]
