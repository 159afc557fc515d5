"""The guards of what is somebody's own among others, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_DOOR = "charter/channels/teams/"
_GROUPS = "tests/teams/test_groups.py::test_"
_SCENES = ("tests/teams/test_nobody_elses.py",)
_OWN = (f"{_GROUPS}what_is_somebodys_own_is_told_to_them_alone_and_the_others_read_that_it_was",)
_ALONE = (f"{_GROUPS}what_was_said_to_the_agent_alone_stays_between_them",)
_THREAD = (f"{_GROUPS}each_has_a_thread_there_and_what_was_private_in_it_keeps_it_private",)

GROUPS = (
    Mutant(
        "every answer is for everyone", f"{_DOOR}telling.py",
        'if run.status == "completed" and await self._for_everyone(task, run, steps, place):',
        'if run.status == "completed":', _SCENES,
    ),
    Mutant("every end of a run is for everyone", f"{_DOOR}telling.py", 'if run.status == "completed" and await', "if await", _THREAD),
    Mutant(
        "private answers for all", f"{_DOOR}telling.py",
        "alone = replace(self.said(task, run, body), private_to=task.account)", "alone = self.said(task, run, body)", _SCENES,
    ),
    Mutant(
        "a private answer is sent to all who are there", f"{_DOOR}connector/link.py",
        "create_targeted_activity(where, message)", "create_activity(where, message)", _OWN,
    ),
    Mutant(
        "a private answer does not say that it is one", f"{_DOOR}connector/link.py", "is_targeted=True", "is_targeted=False",
        ("tests/teams/test_link.py::test_what_is_private_names_who_alone_sees_it",),
    ),
    Mutant(
        "earlier answers of the thread are forgotten", f"{_DOOR}telling.py",
        "shown = [steps, *await self._earlier(task, run)]", "shown = [steps]", _THREAD,
    ),
    Mutant(
        "nobody knows who reads along, so nobody does", f"{_DOOR}telling.py",
        "members = await self._members(place)",
        "members = await self._members(place) or [Member(Account(task.account), self._desk.tenants.directory(task.tenant) or '')]",
        (f"{_GROUPS}where_nobody_can_tell_who_reads_along_the_answer_is_private",),
    ),
    Mutant(
        "guests are of the house", f"{_DOOR}telling.py", 'audience(shown, members, home) == "everyone"',
        'audience(shown, [replace(each, tid=home, guest=False) for each in members or ()], home) == "everyone"', _SCENES,
    ),
    Mutant(
        "what was said to the agent alone is told to all", f"{_DOOR}talk.py",
        "                return activity.private", "                return False", _ALONE,
    ),
    Mutant(
        "what was said to the agent alone is told to all later", f"{_DOOR}telling.py", "return aloud and ", "return ", _ALONE,
    ),
    Mutant(
        "the card of a private task is for all", f"{_DOOR}telling.py",
        'private_to=task.account if task.private else "",', 'private_to="",', _ALONE,
    ),
    Mutant("commands are answered aloud", f"{_DOOR}commanding.py", '"command", body, private=True', '"command", body', (
        f"{_GROUPS}commands_are_answered_in_private",
    )),
    Mutant(
        "what is refused in private is said to nobody", f"{_DOOR}telling.py",
        "person = await known.person_of(session, said.private_to)", "person = None",
        (f"{_GROUPS}what_cannot_be_said_in_private_there_comes_in_the_persons_own_chat",),
    ),
    Mutant(
        "who left hears nothing", f"{_DOOR}telling.py", 'elif kind == "answer" and said.conversation and', "elif False and",
        (f"{_GROUPS}who_asked_has_the_answer_in_their_own_chat_when_they_or_the_agent_have_left",),
    ),
    Mutant(
        "an agent that was taken away tells nothing", f"{_DOOR}telling.py",
        "return [self.said(task, run, await self.ending(task, run, speech))] if run.finished else []", "return []",
        (f"{_GROUPS}who_asked_has_the_answer_in_their_own_chat_when_they_or_the_agent_have_left",),
    ),
    Mutant(
        "people's words to each other are heard", f"{_DOOR}ingress.py",
        'return activity.place.scope == "personal" or activity.mentioned or activity.value is not None', "return True",
        (f"{_GROUPS}only_what_mentions_the_agent_is_heard_and_the_mention_is_taken_out",),
    ),
    Mutant(
        "everybody has the same thread there", f"{_DOOR}talk.py", 'return f"talk:{conversation}:{root}:{person}"',
        'return f"talk:{conversation}:{root}"', (f"{_GROUPS}each_has_a_thread_there_and_what_was_private_in_it_keeps_it_private",),
    ),
    Mutant(
        "sign-in cards for all", f"{_DOOR}signin.py", 'return activity.sender.id if activity.place.scope != "personal" else ""',
        'return ""', (f"{_GROUPS}who_has_to_sign_in_is_asked_alone_and_their_request_goes_on",),
    ),
    Mutant(
        "approvers are asked where it was asked for", f"{_DOOR}approving.py",
        'return Said(asked.card(approval.id, person), body, person=person)',
        'from charter.channels.teams import tasks\n        task = await tasks.find(session, approval.run_id)\n'
        '        return Said(asked.card(approval.id, person), body, task.conversation if task else "", person=person)',
        (f"{_GROUPS}a_group_sees_the_task_and_neither_its_arguments_nor_the_question_to_the_approver",),
    ),
)  # fmt: skip
