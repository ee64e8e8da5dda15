"""What every command is built on: the move itself, who may not decide, mail, lost races."""
