"""The demo collection: photographs, copies of a third of them, and how well a run found the copies again."""
