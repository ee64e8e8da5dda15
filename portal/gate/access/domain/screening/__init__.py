"""What is found out about an applicant: flags, the denylist, institutions, likenesses."""
