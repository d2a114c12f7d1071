"""The routes. Where two names stand for one thing, both work and share one handler."""

from harena_user.api import auth, bank, me

routers = (auth.router, me.router, bank.router)
