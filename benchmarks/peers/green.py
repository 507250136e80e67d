"""`python -m benchmarks.peers.green run_huey …`: a management command with gevent's patches, as greenlets need them."""

from gevent import monkey

monkey.patch_all()

if __name__ == "__main__":
    import sys

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
