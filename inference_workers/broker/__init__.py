"""What lies at the broker: streams, leases, outcomes, messages to one worker."""
