"""A local stand-in for Xledger's GraphQL API, with an invented ledger whose truth is known.

It shares no code with the source it serves.
"""

from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.process import Sandbox, running

__all__ = ["Sandbox", "SandboxOptions", "running"]
