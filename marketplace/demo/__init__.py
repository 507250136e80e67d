"""What `manage.py demo` is made of: a `base` to start from, one `run` of the weekly job, and a `report` of it."""
