"""Deciding: which document of a cluster stays and what becomes of the others, after what people said."""
