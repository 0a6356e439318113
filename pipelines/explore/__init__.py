"""Ways to look at the published file: app, report, exports, SQL shell. They read `DATA_DIR/spend.duckdb` and nothing else."""
