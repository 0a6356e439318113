"""All that is loaded and read before commands are forked (`tests/forked.py`); garbage collections of the forks leave it alone."""

import gc

import pipelines.one_sync
import pipelines.sandbox.mutations
import pipelines.sandbox.server
import pipelines.sandbox.store  # noqa: F401
import tests.dbt_read_once  # noqa: F401
from pipelines.sandbox.options import SandboxOptions
from pipelines.sandbox.schema import full_schema, live_schema

# Kept by what reads them.
full_schema()
live_schema(SandboxOptions())

# A collection that goes through it finds nothing, and has each of its pages copied for the fork.
gc.collect()
gc.freeze()
