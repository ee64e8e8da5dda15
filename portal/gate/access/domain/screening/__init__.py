"""What is checked about an applicant: flags, the denylist, institutions, similar accounts."""
