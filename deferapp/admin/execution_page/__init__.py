"""The page of one execution, part by part: its path, timeline, attempts and errors, its children, who did what."""
