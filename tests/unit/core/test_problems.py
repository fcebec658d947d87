"""Each problem has its texts once, and all that they name is known where it is raised."""

from __future__ import annotations

import pytest

from fitferry.core.messages import placeholders, problems
from fitferry.core.messages.problems import ProblemText
from fitferry.core.problems import HELD_FILES, TEXTS, ProblemCode, problem, resolved, sorted_by_cause
from fitferry.core.upload import AuthProblem

NOW = 1_790_035_200.0


def test_every_code_has_its_texts_and_every_reason_to_connect_again_its_own() -> None:
    """A code without texts would break the page in the moment when it is needed most."""
    assert {code for code, variant in TEXTS if not variant} == set(ProblemCode)
    assert {variant for code, variant in TEXTS if code is ProblemCode.NOT_CONNECTED} == {"", *AuthProblem}
    assert {text for text in vars(problems).values() if isinstance(text, ProblemText)} == set(TEXTS.values())


@pytest.mark.parametrize("key", TEXTS, ids="/".join)
def test_the_texts_of_one_problem_name_what_its_own_sentence_names(key: tuple[ProblemCode, str]) -> None:
    """So that title, advice and resolved text never have a gap: beside the sentence's, only athlete and folder."""
    text = TEXTS[key]
    known = placeholders(text.what.text) | placeholders(text.what.plural or "") | {"athlete", "folder"}

    for template in (text.title, text.advice, text.resolved):
        assert placeholders(template.text) <= known


def test_a_problem_says_what_happened_and_what_to_do() -> None:
    """One sentence for files and programs; title and end apart."""
    missing = problem(ProblemCode.NOT_CONNECTED, NOW, athlete="me", variant=AuthProblem.REVOKED)

    assert str(missing.title) == "me is not connected"
    assert str(missing.message) == (
        "Strava no longer accepts the connection of me: connect on the page or with `fitferry connect me`; "
        "uploads wait until then"
    )
    assert str(missing.resolved) == "me is connected"


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "a.fit is damaged"), (3, "3 files are damaged, among them a.fit")],
)
def test_held_files_of_a_kind_are_one_problem(count: int, words: str) -> None:
    """However many they are."""
    assert str(problem(ProblemCode.DAMAGED, NOW, athlete="me", count=count, file="a.fit").what) == words


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("not_connected/me", "me is connected"),
        ("folder_unavailable//rides", "the folder /rides is back"),
        ("of_another_version/me", str(problems.RESOLVED())),
    ],
)
def test_a_problem_is_resolved_by_its_key_alone(key: str, words: str) -> None:
    """Nothing else of it may be left, and another version may have written it."""
    assert str(resolved(key)) == words


def test_a_problem_is_about_no_job_unless_it_says_so() -> None:
    """The page shows the newest job of those that are."""
    assert problem(ProblemCode.INTERNAL, NOW).latest == 0
    assert problem(ProblemCode.DAMAGED, NOW, athlete="me", latest=7, count=1, file="a").latest == 7


def test_problems_come_in_the_order_of_their_causes() -> None:
    """What is connected first may solve the rest."""
    found = [problem(code, NOW) for code in reversed(ProblemCode)]

    assert [one.code for one in sorted_by_cause(found)] == list(ProblemCode)


def test_the_key_of_a_problem_does_not_change_with_its_numbers() -> None:
    """It is told once, not for each file."""
    assert problem(ProblemCode.DAMAGED, NOW, athlete="me", count=1, file="a").key == "damaged/me"
    assert problem(ProblemCode.DAMAGED, NOW + 5, athlete="me", count=2, file="b").key == "damaged/me"
    assert problem(ProblemCode.UNREADABLE, NOW, athlete="me", subject="/rides").key == "unreadable//rides"
    assert {code.value for code in HELD_FILES} == {
        "unfinished", "damaged", "too_large", "unreadable_times", "archive_refused", "file_gone"
    }  # fmt: skip
