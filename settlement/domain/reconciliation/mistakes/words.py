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


def advice_on(causes: Sequence[str]) -> tuple[str, ...]:
    """What to do about each mistake that the causes name, each once.

    >>> advice_on(["step_ignored", "step_ignored+flat_twice"])[1]
    'The flat fee is due once per session.'
    """
    made = [mistake.advice for cause in causes for mistake in mistakes_in(cause)]
    return tuple(dict.fromkeys(made))


def _sentence(made: Sequence[Mistake], claimed: str) -> str:
    titles = " and ".join(
        mistake.title if place == 0 else _small(mistake.title) for place, mistake in enumerate(made)
    )
    meanings = ", and ".join(mistake.meaning for mistake in made)
    return f"{titles}: the claim of {claimed} is what follows when {meanings}."


def _small(title: str) -> str:
    return title[0].lower() + title[1:]
