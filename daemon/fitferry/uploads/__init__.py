"""From a queued upload to `completed`, and what a person can ask for."""
