"""What a user would pick instead of deferapp, each set up as its own documentation says, doing the same jobs."""
