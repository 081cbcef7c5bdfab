"""The review page inside the Airflow UI: routes and pages, thin. The engine's review says what to show."""
