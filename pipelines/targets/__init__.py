"""Where raw lands and where dbt runs: one module for each engine, chosen by the setting TARGET (`chosen.py`)."""
