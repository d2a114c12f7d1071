"""The two transports of one conversation."""

from harena_conversation.api import socket, stream

routers = (stream.router, socket.router)
