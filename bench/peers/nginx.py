"""nginx as a plain proxy: the limit of what stands between a caller and its provider."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import Peer, free_port, running

VERSION = "as installed"
CONFIG = """
daemon off; worker_processes 1; pid {folder}/pid; error_log stderr;
events {{ worker_connections 1024; }}
http {{
    access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/1; uwsgi_temp_path {folder}/2; scgi_temp_path {folder}/3;
    keepalive_requests 10000000;
    upstream provider {{ server 127.0.0.1:{upstream}; keepalive 64; keepalive_requests 10000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://provider; proxy_http_version 1.1; proxy_buffering off;
            proxy_set_header Connection "";
        }}
    }}
}}
"""


@contextmanager
def start(upstream_port: int) -> Iterator[Peer]:
    """Run it. Raises: FileNotFoundError where it is not installed."""
    nginx = shutil.which("nginx")
    if nginx is None:
        raise FileNotFoundError("no nginx on this machine")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tokenhouse-bench-") as folder:
        file = Path(folder) / "nginx.conf"
        file.write_text(CONFIG.format(folder=folder, upstream=upstream_port, port=port))
        Path(folder).chmod(0o755)
        with running([nginx, "-c", str(file), "-p", folder, "-e", "stderr"], port, {}) as process:
            yield Peer(port=port, pid=process.pid)
