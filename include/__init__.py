"""How Flow Dedupe works: the engine, the Flow client, the embedded server, the Airflow glue, the demo."""
