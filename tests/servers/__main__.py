"""`python -m tests.servers missing-packages`: what `bin/test` has to install."""

import sys

from tests.servers.programs import missing_packages

if sys.argv[1:] != ["missing-packages"]:
    sys.exit("usage: python -m tests.servers missing-packages")
print(" ".join(missing_packages()))
