"""The provider of a soak: the demo as a process of its own, so that it outlives every kill of the app.

python -m tests.soak.provider PORT LOG CHUNK_S
"""

import sys
from pathlib import Path

import uvicorn

from tokenhouse.edges.demo import Demo

if __name__ == "__main__":
    port, log, chunk_s = sys.argv[1:]
    demo = Demo(first_s=0.02, chunk_s=float(chunk_s), file=Path(log))
    uvicorn.run(demo, port=int(port), log_level="critical", access_log=False, backlog=4096)
