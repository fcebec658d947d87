"""What is done with a file? Three verbs: `admit` it, `attempt` its upload, `wake` what is due."""
