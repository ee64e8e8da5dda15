"""What an attacker, a broken client or a stranger's text does to the site, point by point."""
