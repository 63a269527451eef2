"""The running server against its own OpenAPI document: whatever is sent, every answer is as it says.

For each operation and each caller, data that the document allows and data that it forbids. More of it, for as
long as you like: `make contract`, or TOKENHOUSE_EXAMPLES=500.
"""

import os
from collections.abc import Iterator
from copy import deepcopy

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks

from tests.edges.api.document import DOCUMENT
from tests.edges.api.running import Running, running

load_all_checks()

pytestmark = pytest.mark.slow
CHECKS = schemathesis.checks.CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    ]
)
EXAMPLES = int(os.environ.get("TOKENHOUSE_EXAMPLES", "3"))
SLOW = {"simulate_plans": 1, "import_rates": 1, "sign_in": 1}
"""Operations of which one example takes long, and how many they get in a short run."""
PATIENCE_S = 120
"""A busy machine may take a minute to write a price list of some thousand models."""
REFUSALS = {"negative_data_rejection": {"expected-statuses": ["4xx"]}}
"""What is forbidden is refused: also with 402, by an account that is empty, and with 413, as too large."""
CONFIG = schemathesis.Config.from_dict({"checks": REFUSALS})
SCHEMA = schemathesis.openapi.from_dict(deepcopy(DOCUMENT), config=CONFIG)  # It writes into what it is given.
OPERATIONS = {found.ok().definition.raw["operationId"]: found.ok() for found in SCHEMA.get_all_operations()}


@pytest.fixture(scope="module")
def server(postgres, tmp_path_factory) -> Iterator[Running]:
    database = postgres.make()
    with running(database, tmp_path_factory.mktemp("home"), "alice", "bora") as served:
        yield served
    postgres.drop(database)


@pytest.mark.row("B6")
@pytest.mark.parametrize("name", sorted(OPERATIONS))
def test_every_answer_is_as_the_document_says(server: Running, name: str):
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
        call_everything(server, name, mode)


def point_at_what_exists(case, who: str) -> None:
    """Name an account and a plan that there are, so that not every answer is that nobody knows them."""
    mine = "me" if who == "alice" else "bora"
    for name, known in (("ref", mine), ("name", "chat-tokens")):
        if name in case.path_parameters:
            case.path_parameters[name] = known
    if isinstance(case.body, dict) and "account" in case.body:
        case.body["account"] = mine


def call_everything(server: Running, name: str, mode: GenerationMode) -> None:
    """Call an operation with data of one kind, each as everybody: making data costs more than a call."""
    most = EXAMPLES if EXAMPLES > 10 else SLOW.get(name, EXAMPLES)

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=EXAMPLES <= 10,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=OPERATIONS[name].as_strategy(generation_mode=mode))
    def hold(case):
        for who in ("operator", "alice"):
            if mode == GenerationMode.POSITIVE:
                point_at_what_exists(case, who)
            case.call_and_validate(
                base_url=server.url,
                headers={"authorization": f"Bearer {server.secrets[who]}"},
                checks=CHECKS,
                timeout=PATIENCE_S,
            )

    try:
        hold()
    except Unsatisfiable:
        assert mode == GenerationMode.NEGATIVE, "what takes nothing cannot be asked wrongly"
