"""The engine: one module per stage, in the order in which data flows.

``config -> scope -> plan.json -> edges/ -> pairs/ -> clusters/ -> report/``

Each stage is a plain function that reads artifacts left of it, writes its own, and returns a small
frozen result. Nothing here knows Airflow; Flow is reached through the protocols of ``flow``.
"""
