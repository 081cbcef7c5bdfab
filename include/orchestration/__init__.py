"""The only package that knows Airflow: the connection to Flow, and the stages as tasks."""
