"""Who may speak for a work: keys, roles, the chain of roots, and the choice of the head."""
