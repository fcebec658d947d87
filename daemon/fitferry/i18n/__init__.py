"""Languages: English inside, translated where it is shown."""
