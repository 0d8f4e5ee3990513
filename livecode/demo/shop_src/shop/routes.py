"""What the shop answers."""

import asyncio
import contextlib
import itertools
import os

from fastapi import APIRouter, HTTPException, WebSocket, WebSocketDisconnect

from shop.pricing import CACHE, MODEL, PRICES, quote  # bound once, when this module is imported

router = APIRouter()


@router.get("/price/{item}")
async def price(item: str, amount: int = 1) -> dict[str, str | int | float]:
    """What `amount` of `item` costs."""
    if item not in PRICES:
        raise HTTPException(404, f"no {item} here: there is {', '.join(PRICES)}")
    return {"item": item, "amount": amount, "price": quote(item, amount)}


@router.get("/health")
async def health() -> dict[str, str | int]:
    """What a restart would lose."""
    return {"pid": os.getpid(), "model loaded at": MODEL.loaded_at, "answers in cache": len(CACHE)}


@router.websocket("/ws/count")
async def count(socket: WebSocket) -> None:
    """Count upward in this connection's own coroutine, and say the price of a coffee with every number."""
    await socket.accept()
    with contextlib.suppress(WebSocketDisconnect):
        for number in itertools.count(1):
            await socket.send_json({"count": number, "price": quote("coffee")})
            await asyncio.sleep(0.2)
