"""The engine: one package per step of a run, in the order in which data flows; one module per stage.

``settings -> planning (plan.json) -> scanning (edges/) -> clustering (pairs/, clusters/)``
``-> deciding (decide/) -> reporting (report/) -> acting (apply/, record/)``

New pictures go another way, on what the same packages know: ``gating (take/, analyses/, check/, decide/,
index/, settle/, report/)``.

What outlives a run stands beside the runs: verdicts, archive, tombstones, the names of clusters, the lease.

Each stage is a plain function that reads artifacts left of it, writes its own, and returns a small
frozen result. Nothing here knows Airflow; Flow is reached through the protocols of ``flow``.
"""
