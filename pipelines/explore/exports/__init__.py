"""Writers of the published tables in formats that other programs open."""
