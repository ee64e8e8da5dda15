"""From a prompt to tokens, over the death of engines."""
