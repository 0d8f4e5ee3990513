"""Applications with an endpoint in them, for the servers and frameworks that there are."""

from __future__ import annotations

from tests.http.asking import TOKENS
from tests.services import ASGI, WSGI

GIVEN = f"""folder="next", tokens="{TOKENS}" """

ASGI_AROUND = f"""{ASGI}
import livecode.http
app = livecode.http.app(around=app, at="/livecode", {GIVEN})
"""

STARLETTE = f"""{ASGI}
import livecode.http
from starlette.applications import Starlette
from starlette.routing import Mount
app = Starlette(routes=[Mount("/livecode", livecode.http.app({GIVEN})), Mount("/", app)])
"""

FASTAPI = f"""{ASGI}
import livecode.http
from fastapi import FastAPI
api, inner = FastAPI(), app
api.mount("/livecode", livecode.http.app({GIVEN}))
api.mount("/", inner)
app = api
"""

WSGI_AROUND = f"""{WSGI}
import livecode.http
app = livecode.http.wsgi(around=app, at="/livecode", {GIVEN})
"""

FLASK = f"""{WSGI}
import livecode.http
from flask import Flask
flask = Flask("shop")
@flask.get("/<path:expression>")
def value(expression):
    return answer(expression)
app = flask
flask.wsgi_app = livecode.http.wsgi(around=flask.wsgi_app, at="/livecode", {GIVEN})
"""

DJANGO = f"""{WSGI}
import livecode.http, sys
from django.conf import settings
from django.http import HttpResponse
from django.urls import path
settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="x", DEBUG=False)
urlpatterns = [path("<path:expression>", lambda request, expression: HttpResponse(answer(expression)))]
from django.core.wsgi import get_wsgi_application
app = livecode.http.wsgi(around=get_wsgi_application(), at="/livecode", {GIVEN})
"""
