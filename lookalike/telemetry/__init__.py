"""What operators see of a running house: log lines and files of events."""
