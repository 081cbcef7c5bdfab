"""Clustering: edges become pairs, pairs of all runs become clusters with names that last."""
