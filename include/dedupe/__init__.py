"""The engine: one module per stage, in the order in which data flows.

``config -> scope -> plan.json -> edges/ -> pairs/ -> facts/ -> clusters/``
``-> decide/ -> report/ -> apply/ -> record/``

What outlives a run stands beside the runs: verdicts, archive, tombstones, the names of clusters, the lease.

Each stage is a plain function that reads artifacts left of it, writes its own, and returns a small
frozen result. Nothing here knows Airflow; Flow is reached through the protocols of ``flow``.
"""
