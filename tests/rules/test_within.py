"""What a held amount pays for: the input always, then as much output as fits, thinking first."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tokenhouse.rules.amounts import Unit
from tokenhouse.rules.charges import Terms, tariff
from tokenhouse.rules.quotes import within
from tokenhouse.rules.rates import FLAT, Prices, Rate
from tokenhouse.rules.usage import Usage

TOKEN = Unit(name="token", symbol="", decimals=0)
prices = st.decimals(0, 1_000, places=2, allow_nan=False)
counts = st.integers(0, 5_000)


def test_output_ends_where_the_amount_ends():
    usage = Usage(50, output=60, reasoning=20)
    flat = tariff(FLAT, TOKEN)
    assert within(flat, usage, 130) is usage
    assert within(flat, usage, 100) == Usage(50, output=30, reasoning=20)
    assert within(flat, usage, 60) == Usage(50, reasoning=10)
    assert within(flat, usage, 50) == Usage(50)


@given(
    st.builds(
        lambda input_, output, reasoning, audio: tariff(
            Rate(
                model="*",
                prices=Prices(
                    input=input_, output=output, reasoning=reasoning, audio_output=audio, per=1_000
                ),
            ),
            TOKEN,
            Terms(multiplier=Decimal("1.2"), minimum=1),
        ),
        prices,
        prices,
        prices,
        prices,
    ),
    st.builds(Usage, counts, output=counts, reasoning=counts, audio_input=counts, audio_output=counts),
    st.integers(0, 100_000),
)
def test_the_part_is_paid_and_nothing_is_added(price, usage, held):
    part = within(price, usage, held)
    assert (part.tokens_input, part.audio_input) == (usage.tokens_input, usage.audio_input)
    assert part.output <= usage.output
    assert part.reasoning <= usage.reasoning
    assert part.audio_output <= usage.audio_output
    least = price.charge(Usage(usage.input, audio_input=usage.audio_input))
    assert price.charge(part) <= max(held, least)
