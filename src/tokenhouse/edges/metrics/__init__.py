"""Metrics: `/metrics` in Prometheus' text format, for an operator's key or, where so set, for this machine.

What a process counts lies about as plain numbers, and is read when somebody asks: calls pay an addition.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from hashlib import sha256
from ipaddress import ip_address
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder

from tokenhouse.edges.api.caller import RANK
from tokenhouse.edges.credentials import bearer, header
from tokenhouse.edges.metrics import deployment
from tokenhouse.edges.metrics.catalogue import CATALOGUE, Family
from tokenhouse.edges.metrics.neighbours import gather
from tokenhouse.edges.metrics.process import Place, Process
from tokenhouse.errors import DatabaseTrouble, Forbidden, Unauthenticated

__all__ = ["Metrics", "Place", "Process"]

KNOWN_S: Final = 3_600.0
"""For how long a key that was let in is remembered: metrics are wanted most while the database is away."""
KNOWN_MAX: Final = 16
ON_THE_WAY: Final = ("x-forwarded-for", "forwarded", "via")
"""What a proxy adds: behind one, every caller comes from this machine."""


class Metrics:
    """The page `/metrics` of one process, for itself and its neighbours."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._known: OrderedDict[bytes, float] = OrderedDict()

    async def page(self, scope: Mapping[str, Any]) -> tuple[str, bytes]:
        """Return content type and text. Raises: Unauthenticated, Forbidden."""
        if not self._is_open_to(scope):
            await self._admit(bearer(scope) or header(scope, "x-api-key"))
        crew, families = self._process.crew, self._process.figures()
        if crew is not None:
            families += await gather(crew.folder, but=crew.worker)
        families += await deployment.figures(self._process.house)
        encode, kind = choose_encoder(header(scope, "accept") or "")
        return kind, encode(_Read(families))

    def _is_open_to(self, scope: Mapping[str, Any]) -> bool:
        """Whether a caller needs no key: the settings say so, and it is on this machine, behind no proxy."""
        if not self._process.house.desk.settings.metrics_public:
            return False
        try:
            address = ip_address((scope.get("client") or ("",))[0])
        except ValueError:
            return False
        address = getattr(address, "ipv4_mapped", None) or address
        return address.is_loopback and not any(header(scope, name) for name in ON_THE_WAY)

    async def _admit(self, secret: str | None) -> None:
        """Let in who shows the key of an auditor or more. Raises: Unauthenticated, Forbidden."""
        if secret is None:
            raise Unauthenticated("credential_missing")
        digest, now = sha256(secret.encode()).digest(), time.monotonic()
        try:
            key = await self._process.house.authenticate(secret, any_role=True)
        except DatabaseTrouble:
            if now - self._known.get(digest, -KNOWN_S) >= KNOWN_S:
                raise
            return
        if RANK[key.role] < RANK["auditor"]:
            raise Forbidden("role_wanted", role="auditor", had=key.role)
        self._known[digest] = now
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)


class _Read:
    """Families as the library wants to be given them: each name once, whoever told its samples."""

    def __init__(self, families: Iterable[Family]) -> None:
        self._metrics: dict[str, Metric] = {}
        for family in families:
            metric = self._metrics.get(family.name)
            if metric is None:
                known = CATALOGUE.get(family.name)
                kind, what = (
                    (known.kind, known.what) if known else ("gauge", "Of the process, by the system.")
                )
                if known is None and any(end == "_total" for end, _, _ in family.samples):
                    kind = "counter"
                metric = self._metrics[family.name] = Metric(family.name, what, kind)
            for end, labels, value in family.samples:
                metric.add_sample(family.name + end, labels, value)

    def collect(self) -> Iterable[Metric]:
        """Return them all."""
        return self._metrics.values()
