"""Planning: which documents a run scans, in which partitions, whether Flow is fit for it, at what cost."""
