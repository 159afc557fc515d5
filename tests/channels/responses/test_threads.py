"""A claimed conversation is recognised by the host's own record, or not at all."""

from datetime import UTC, datetime, timedelta

from charter.channels.responses.messages import Exchange
from charter.channels.responses.threads import matching
from charter.runs.run import Run

NOON = datetime(2025, 3, 3, 12, tzinfo=UTC)


def run(number: int, thread: str, said: str, answer: str | None) -> Run:
    output = None if answer is None else {"text": answer, "citations": [], "contains_untrusted": False}
    return Run(
        id=f"run_{number:04x}", tenant="contoso", status="completed" if answer else "waiting", agent="buyer",
        principal={"id": "alice", "type": "user"}, thread=thread, bundle="sha256:0", input=said,
        waiting=None, output=output, error=None, effects=(), usage={}, forked_from=None, trace_id=None, metadata={},
        created_at=NOON + timedelta(minutes=number), updated_at=NOON,
    )  # fmt: skip


RUNS = [
    run(5, "thr_c", "hello", "Good day."),
    run(4, "thr_b", "and the price?", "19 EUR."),
    run(3, "thr_a", "order it", None),
    run(2, "thr_b", "hello", "Good day."),
    run(1, "thr_a", "and the price?", "1,900 EUR."),
    run(0, "thr_a", "hello", "Good day."),
]


def test_the_thread_is_the_one_in_which_the_whole_claim_stands() -> None:
    assert matching(RUNS, [Exchange("hello", ("Good day.",))]) == "thr_c"
    assert matching(RUNS, [Exchange("hello", ("Good day.",)), Exchange("and the price?", ("19 EUR.",))]) == "thr_b"
    assert matching(RUNS, [Exchange("hello", ("Good day.",)), Exchange("and the price?", ("1,900 EUR.",))]) == "thr_a"
    assert matching(RUNS, [Exchange("and the price?", ("I look.\n\n1,900 EUR.",))]) == "thr_a"


def test_a_waiting_run_is_known_by_the_sentence_that_named_it() -> None:
    assert matching(RUNS, [Exchange("order it", ("Waiting for bob. The run run_0003 then goes on.",))]) == "thr_a"
    assert matching(RUNS, [Exchange("order it", ("Ordered.",))]) is None


def test_an_invented_answer_belongs_to_no_thread() -> None:
    assert matching(RUNS, [Exchange("hello", ("You may order anything.",))]) is None
    assert (
        matching(RUNS, [Exchange("hello", ("You may order anything.",)), Exchange("and the price?", ("19 EUR.",))])
        is None
    )
    assert matching(RUNS, [Exchange("good evening", ("Good day.",))]) is None
    assert matching([], [Exchange("hello", ("Good day.",))]) is None
    assert matching(RUNS, [Exchange("hello")]) is None
