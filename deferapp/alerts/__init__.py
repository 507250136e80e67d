"""Alerts: what a person should know, kept as rows, and told once when it begins and once when it is over."""
