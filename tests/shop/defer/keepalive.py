import os
import socket

from django.db import connection

from deferapp import defer


@defer
def keepalive() -> list[int]:
    """Return after how many seconds this process looks for the database's machine, and gives it up."""
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as twin:
        idle = twin.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE)
        return [idle, twin.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) // 1000]
