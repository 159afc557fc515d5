"""The guards of the connectors for Claude and Mistral, to be taken out one at a time by ``python -m tests.mutants``."""

from tests.mutants import Mutant

_MORE = "tests/models/makers/test_two_more_makers.py"
_CLAUDE = "tests/models/makers/test_claude.py"
_OPENAI = "tests/models/makers/test_openai_wire.py"
_MISTRAL = "tests/models/makers/test_mistral.py"
_CLIENTS = "tests/models/makers/test_clients.py"

MAKERS = (
    Mutant(
        "results out of order for Claude",
        "charter/kernel/claude_request.py",
        'each["content"].sort(key=partial(_place, order))',
        "pass",
        (_CLAUDE,),
    ),
    Mutant(
        "results apart for Claude",
        "charter/kernel/claude_request.py",
        'if made and made[-1]["role"] == role:',
        "if False:",
        (_CLAUDE,),
    ),
    Mutant(
        "cached tokens of Claude forgotten",
        "charter/kernel/claude.py",
        "turn.usage = Usage(fresh + read + kept, said.output_tokens, read, kept)",
        "turn.usage = Usage(fresh, said.output_tokens, read, kept)",
        (_CLAUDE,),
    ),
    Mutant(
        "cached tokens of Claude counted twice",
        "charter/kernel/claude.py",
        "known.input_tokens - known.cached_tokens - known.cache_write_tokens",
        "known.input_tokens",
        (_CLAUDE,),
    ),
    Mutant(
        "cached tokens of Mistral counted twice",
        "charter/kernel/mistral.py",
        'counts = (usage.get("prompt_tokens"), ',
        'counts = (usage.get("prompt_tokens") + details.get("cached_tokens", 0), ',
        (_MORE,),
    ),
    Mutant(
        "a broken stream of Claude taken for an answer",
        "charter/kernel/claude.py",
        "if not turn.finish_reason:",
        "if False:",
        (_MORE,),
    ),
    Mutant(
        "a broken stream of Mistral taken for an answer",
        "charter/kernel/mistral.py",
        "if not turn.finish_reason:",
        "if False:",
        (_MORE,),
    ),
    Mutant(
        "a failed answer of Mistral taken for one",
        "charter/kernel/mistral.py",
        'if said == "error":',
        "if False:",
        (_MORE,),
    ),
    Mutant(
        "a call that was cut off made",
        "charter/kernel/connector.py",
        'several[:-1] if self.ended == "length" else several',
        "several",
        (_CLAUDE, _OPENAI),
    ),
    Mutant(
        "a refusal of Claude without a word",
        "charter/kernel/telling.py",
        'if turn.finish_reason == "refusal" and not "".join(turn.text).strip():',
        "if False:",
        (_CLAUDE,),
    ),
    Mutant(
        "Anthropic's filter taken for a fault",
        "charter/kernel/claude.py",
        'if isinstance(fault, anthropic.APIStatusError) and _FILTER in (fault.api_message or ""):',
        "if False:",
        (_MORE,),
    ),
    Mutant(
        "a guardrail of Mistral taken for a denial",
        "charter/kernel/mistral.py",
        "if fault.status_code != 403 or _GUARDED not in fault.body.lower():",
        "if True:",
        (_MORE,),
    ),
    Mutant(
        "a fault within Claude's stream taken for its status",
        "charter/kernel/claude.py",
        "within = fault.status_code < 400",
        "within = False",
        (_MORE,),
    ),
    Mutant(
        "other functions than those offered sent to a maker",
        "charter/kernel/session.py",
        "tools = {name: tool for name, tool in self._tools.items() if name in offered}",
        "tools = dict(self._tools)",
        (_MORE,),
    ),
    Mutant(
        "Claude may call what is not offered",
        "charter/kernel/claude_request.py",
        'return {"tools": named, "tool_choice": {"type": "none"}}',
        'return {"tools": named}',
        (_CLAUDE,),
    ),
    Mutant(
        "ids of other makers sent to Claude",
        "charter/kernel/call_ids.py",
        "return call_id if _CLAUDE.fullmatch(call_id) else",
        "return call_id if True else",
        (_MORE,),
    ),
    Mutant(
        "ids of other makers sent to Mistral",
        "charter/kernel/call_ids.py",
        "if _MISTRAL.fullmatch(call_id):",
        "if True:",
        (_MORE,),
    ),
    Mutant(
        "a person right after results sent to Mistral",
        "charter/kernel/mistral_request.py",
        'if message.role == "user" and made and made[-1].role == "tool":',
        "if False:",
        (_MISTRAL,),
    ),
    Mutant(
        "the key to Anthropic taken as it is written",
        "charter/models/claude.py",
        "auth = LiveKey(key) if key is not None and written else None",
        "auth = None",
        ("tests/models/makers/test_hosted_makers.py",),
    ),
    Mutant(
        "the key to Mistral taken as it is written",
        "charter/models/mistral.py",
        "auth = LiveKey(key) if key is not None and written else None",
        "auth = None",
        ("tests/models/makers/test_hosted_makers.py",),
    ),
    Mutant(
        "Anthropic's client traces",
        "charter/models/claude.py",
        "open_telemetry=_UNTRACED,",
        "",
        (_CLIENTS,),
    ),
    Mutant(
        "Mistral's client traces",
        "charter/models/mistral.py",
        'vars(client.sdk_configuration)["telemetry"] = False',
        "pass",
        (_CLIENTS,),
    ),
)
