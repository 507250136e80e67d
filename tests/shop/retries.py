"""A retry policy that tests can wait for."""

SHORT = {"initial_interval": 0.5, "multiplier": 1, "randomization_factor": 0}
