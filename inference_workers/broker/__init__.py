"""What the broker holds: streams, leases, outcomes, and messages to one worker."""
