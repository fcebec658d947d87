"""The operating system, one concern a module."""
