"""The handler that the middleware is measured in front of: FastAPI as people write it, bare and metered."""

from typing import Any

from fastapi import FastAPI, Request

from tokenhouse import ApiKey, TokenMiddleware

USAGE = {"prompt_tokens": 900, "completion_tokens": 64, "total_tokens": 964}


def application() -> FastAPI:
    """Return an application with a handler on two paths, of which one is metered where anything is."""
    app = FastAPI()

    @app.post("/chat")
    @app.post("/other")
    async def chat(request: Request) -> dict[str, Any]:
        document = await request.json()
        return {"id": "bench-1", "answer": f"{len(document['message'])} characters", "usage": USAGE}

    return app


bare = application()
metered = application()
metered.add_middleware(TokenMiddleware, endpoints=["/chat"], account=ApiKey())
