"""The causes of a difference in words for people: what was done, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence

from settlement.domain.reconciliation.mistakes.registry import Mistake, mistakes_in


def in_words(causes: Sequence[str], claimed: str) -> tuple[str, ...]:
    """One sentence per cause that is a known mistake; `claimed` as it is to be read.

    >>> in_words(["step_ignored"], "12.30 EUR")[0]
    'Step size ignored: the claim of 12.30 EUR is what follows when no step size is applied.'
    >>> in_words(["not_published"], "12.30 EUR")
    ()
    """
    return tuple(_sentence(made, claimed) for cause in causes if (made := mistakes_in(cause)))


def title_of(cause: str) -> str:
    """A cause as a heading; one that is no known mistake reads as it is.

    >>> title_of("step_twice+tax_left_in"), title_of("not_published")
    ('One step too many and amount with tax claimed as before tax', 'not published')
    """
    made = mistakes_in(cause)
    return _titles(made) if made else cause.replace("_", " ")


def advice_on(causes: Sequence[str]) -> tuple[str, ...]:
    """What to do about each mistake that the causes name, each once.

    >>> advice_on(["step_ignored", "step_ignored+flat_twice"])[1]
    'The flat fee is due once per session.'
    """
    made = [mistake.advice for cause in causes for mistake in mistakes_in(cause)]
    return tuple(dict.fromkeys(made))


def _sentence(made: Sequence[Mistake], claimed: str) -> str:
    meanings = ", and ".join(mistake.meaning for mistake in made)
    return f"{_titles(made)}: the claim of {claimed} is what follows when {meanings}."


def _titles(made: Sequence[Mistake]) -> str:
    return " and ".join([made[0].title, *(m.title[0].lower() + m.title[1:] for m in made[1:])])
