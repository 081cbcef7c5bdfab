"""One module per HTTP handler; `app.py` is the route table."""
