"""The embedded Flow-compatible server: started as `python -m include.flow_server`, met over HTTP only."""
