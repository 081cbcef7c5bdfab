"""The gate: a new picture is analysed once, searched for with that analysis, and indexed with it, or not."""
