"""One script per figure. Run with `make bench`; nothing here is a test."""
