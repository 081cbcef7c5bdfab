"""What is in a picture (imaging), whether two are one (comparing), edits (editing), fitting (training)."""
