"""Recommends products that a customer has not bought yet, from what such customers buy and what sells now.

`history` reads the purchases, `training` makes a `model` of them, `evaluation` measures it on weeks that it has not
seen, `storage` keeps both in a file, and `current` hands it to whoever wants recommendations.
"""
