"""Whether two pictures are one: align, measure, score, explain."""
