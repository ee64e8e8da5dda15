"""Pages and tools for reviewers, auditors and operators."""
