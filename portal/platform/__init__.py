"""What every part stands on: people, mail, the record."""
