"""What every command stands on: the move itself, who may not decide, mail, lost races."""
