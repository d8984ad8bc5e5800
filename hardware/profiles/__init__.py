"""What is known of each chip: one file, one chip."""
