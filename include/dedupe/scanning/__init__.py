"""Scanning: each document of a partition is searched for duplicates; each hit becomes an edge."""
