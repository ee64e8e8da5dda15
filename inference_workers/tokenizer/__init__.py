"""The tokenizer files, and their publication to the portal."""
