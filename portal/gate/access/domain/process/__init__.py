"""An application from draft to decision and after: its commands, and what people see of them."""
