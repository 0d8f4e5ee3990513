"""FastAPI and Starlette: after each push the app answers as one that was started with the new source."""

from __future__ import annotations

import pytest

from tests.live.adapters.equal import as_fresh
from tests.live.forker import Forker

HEAD = """from fastapi import APIRouter, Depends, FastAPI, Request, WebSocket
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel
"""
APP = (
    HEAD
    + """
class Item(BaseModel):
    name: str

def dep(a: int = 1):
    return a

class Page:
    def __init__(self, size: int = 10):
        self.size = size

app = FastAPI()
router = APIRouter(prefix="/r", tags=["t"])

@app.get("/x")
def x():
    return {"v": 1}

@app.get("/d")
def d(v=Depends(dep)):
    return v

@app.get("/p")
def p(page: Page = Depends(Page)):
    return page.size

@app.post("/items")
def create(item: Item):
    return item

@router.get("/i")
async def i():
    return "i"

@app.get("/any/{name}")
def anything(name: str):
    return name

@app.websocket("/ws")
async def ws(socket: WebSocket):
    await socket.accept()
    await socket.send_text("old")
    await socket.close()

@app.middleware("http")
async def by(request: Request, call_next):
    reply = await call_next(request)
    reply.headers["x-by"] = "old"
    return reply

@app.exception_handler(ValueError)
async def wrong(request, error):
    return PlainTextResponse("wrong", status_code=418)

@app.get("/wrong")
def fails():
    raise ValueError("no")

app.include_router(router, prefix="/q")
"""
)
QUESTIONS = [
    *("GET /x", "GET /x?q=5", "GET /y", "POST /x", "GET /d", "GET /d?b=4", "GET /p", "GET /p?size=3", "POST /items"),
    *("GET /q/r/i", "GET /q/r/j?z=2", "GET /any/x", "GET /any/new", "WS /ws", "GET /wrong", "GET /nope"),
]
X = """@app.get("/x")
def x():
    return {"v": 1}
"""


@pytest.mark.parametrize(
    "edits",
    [
        [("def x():", "def x(q: int = 2):"), ('{"v": 1}', '{"v": 7}'), ("q: int = 2", "q: int, s: str = 'a'")],
        [('"/x"', '"/y"')],
        [('@app.get("/x")', '@app.post("/x", status_code=201)'), ('"v": 1', '"v": 2')],
        [('@app.get("/x")', '@app.get("/x", response_model=dict[str, str])')],
        [('@app.get("/x")', '@app.get("/x")\n@app.get("/y")'), ("def x():", "def x(q: int = 3):")],
        [("def x():", "async def x():"), ('{"v": 1}', '{"v": 2}')],
        [("def x():", "def x2():"), ('{"v": 1}', '{"v": 2}')],
        [(X, ""), ("@router.get", "@app.get")],
        [(X, X + X.replace("/x", "/y").replace("def x", "def y")), ("def y():", "def y(q: int = 5):")],
        [('@app.get("/any/{name}")', '@app.get("/any/new")\ndef new():\n    return 1\n\n@app.get("/any/{name}")')],
        [("def dep(a: int = 1):\n    return a", "def dep(b: int):\n    return b * 2")],
        [("def dep(a: int = 1):\n    return a", "async def dep(a: int = 1):\n    return a + 1")],
        [("    return a\n", "    yield a + 1\n")],
        [("size: int = 10", "size: int = 20")],
        [("    name: str\n", "    name: str\n    price: int\n"), ("price: int", "price: str")],
        [('"/i"', '"/j"'), ("def i():", "def i(z: int = 9):"), ('"i"', "z")],
        [('@router.get("/i")\nasync def i():\n    return "i"\n', ""), ("def x():", "def x(q: int = 2):")],
        [("@router.get", '@router.get("/j")\ndef j(z: int = 1):\n    return z\n\n@router.get')],
        [('"old")\n    await', '"new")\n    await'), ("ws(socket: WebSocket)", "ws(socket: WebSocket, k: str = 'a')")],
        [("by(request: Request, call_next)", "by(request: Request, call_next, name='new')"), ('"old"\n', "name\n")],
        [("wrong(request, error)", "wrong(request, error, code=419)"), ("status_code=418", "status_code=code")],
        [("@app.exception_handler(ValueError)", "@app.exception_handler(KeyError)"), ("ValueError(", "KeyError(")],
    ],
)
def test_as_fresh(edits: list[tuple[str, str]], frameworks: Forker) -> None:
    """Routes, their order, dependencies, models, middleware, handlers and the schema are those of the source."""
    as_fresh(frameworks, "fastapi", APP, edits, QUESTIONS)
