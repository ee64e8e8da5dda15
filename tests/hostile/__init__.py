"""Effects of attackers, broken clients and strangers' texts on the site, point by point."""
