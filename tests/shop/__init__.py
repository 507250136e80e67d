"""A small app with background functions that tell a witness what they did."""
