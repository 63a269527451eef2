"""What every refusal of bad input must be: one reason, and a short sentence that names its field."""

import pytest

from tokenhouse.errors import InvalidInput
from tokenhouse.messages import LOCALES
from tokenhouse.rules.amounts import shown


def refused(reason, call, *args, **options):
    """Expect InvalidInput with this reason, and a sentence that names the field in every language."""
    with pytest.raises(InvalidInput) as caught:
        call(*args, **options)
    assert caught.value.reason == reason
    for locale in LOCALES:
        sentence = caught.value.message(locale)
        assert caught.value.facts["field"] in sentence
        assert str(caught.value.facts["value"]) in sentence
        assert len(sentence) < 500
        assert "\n" not in sentence
    return caught.value


def label(value):
    """Name a case of a table: a hostile value would make pytest's own names a megabyte long, or fail."""
    return repr(value)[:80] if isinstance(value, dict) else shown(value)
