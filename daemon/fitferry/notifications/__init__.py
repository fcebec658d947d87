"""Messages to people: what is told and when, and how it is sent."""
