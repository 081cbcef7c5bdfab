"""Settings of a collection: one YAML file, checked completely when it is read."""
