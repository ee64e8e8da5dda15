"""An application's way from draft to decision and after: its commands, and what is told of them."""
