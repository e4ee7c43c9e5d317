"""An empty FastAPI route on the same server as a worker of ours: the limit of what one of its kind can answer."""

from __future__ import annotations

import argparse

import uvicorn
from fastapi import FastAPI

from include.serving.worker import listening

app = FastAPI()


@app.get("/")
async def nothing() -> dict[str, bool]:
    return {"ok": True}


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    config = uvicorn.Config(app, loop="uvloop", http="httptools", ws="none", access_log=False, log_level="warning")
    uvicorn.Server(config).run(sockets=[listening("127.0.0.1", port)])
