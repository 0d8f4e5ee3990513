"""The shop's application. Start it with `uvicorn shop.app:app`."""

from fastapi import FastAPI

import livecode
from shop.routes import router

livecode.listen("shop")  # the one line: code can be pushed into this process from now on

app = FastAPI(title="shop")
app.include_router(router)
