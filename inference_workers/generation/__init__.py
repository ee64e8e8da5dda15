"""Generation, from a prompt to tokens, including recovery from engine deaths."""
