"""What is done with a file? Three verbs: `admit` it, `attempt` its upload, `select_due` what is due."""
