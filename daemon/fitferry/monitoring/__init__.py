"""How things are: the status and the metrics."""
