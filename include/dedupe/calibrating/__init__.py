"""Calibrating: what the thresholds are worth on the pictures of this very collection."""
