"""How attempts end, and what follows: the failure, whether it can pass, the decision to retry, and who is handed it."""
