"""What the mutation tests let pass is named as it is, so that no reason outlives the code that it was given for."""

from __future__ import annotations

from mutants import accepted, every_mutant


def test_each_survivor_that_is_accepted_is_a_mutant_of_the_code() -> None:
    """With a reason. A name that no mutant has any more would let another one pass some day."""
    named = accepted()

    assert named.keys() - {mutant.name for mutant in every_mutant()} == set()
    assert [name for name, reason in named.items() if not reason.strip()] == []
