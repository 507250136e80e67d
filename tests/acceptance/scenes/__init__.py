"""What a project's own process does in the acceptance tests; what came of it is returned, for the test to judge."""
