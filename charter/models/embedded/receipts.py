"""The sentence for a finished call, made from its result and nothing else."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, cast

from jinja2 import StrictUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from charter.models.chat import Hint


def money(value: Any) -> str:
    """Return ``{"minor": 145000, "currency": "EUR"}`` as ``1,450.00 EUR``; nothing for anything else."""
    if not isinstance(value, Mapping):
        return ""
    amount = cast("Mapping[str, Any]", value)
    return f"{Decimal(amount['minor']) / 100:,.2f} {amount['currency']}"


def day(value: Any) -> str:
    """Return an ISO day, or the day of an ISO time, as ``14 December 2026``; other text as it is."""
    try:
        said = date.fromisoformat(str(value)[:10])
    except ValueError:
        return str(value) if value else ""
    return f"{said.day} {said:%B} {said.year}"


class Receipts:
    """Renders the plugins' receipts in a sandbox: a template comes from a folder, the result from anywhere."""

    def __init__(self) -> None:
        self._jinja = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
        self._jinja.filters |= {"money": money, "day": day}
        self._templates: dict[str, Template] = {}

    def receipt(self, hint: Hint | None, name: str, arguments: Mapping[str, Any], result: Any) -> str:
        """Return the receipt of a call; a plain list of the result's fields where no template fits it."""
        if hint and hint.receipt:
            try:
                return _tidy(self._template(hint.receipt).render(result=result, arguments=arguments))
            except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError):
                pass
        return _plain(name, result)

    def _template(self, text: str) -> Template:
        if text not in self._templates:
            self._templates[text] = self._jinja.from_string(text)
        return self._templates[text]


def _tidy(text: str) -> str:
    lines = [re.sub(r"[ \t]+", " ", line).strip() for line in text.strip().splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines))


def _plain(name: str, result: Any) -> str:
    label = name.partition("-")[2].replace("_", " ") or name
    if not isinstance(result, Mapping):
        return f"Done: {label}."
    fields = [
        f"{key.replace('_', ' ')} {money(value) or value}"
        for key, value in cast("Mapping[str, Any]", result).items()
        if isinstance(value, str | int | float) or money(value)
        if not isinstance(value, list)
    ]
    return f"Done: {label}" + (f" ({', '.join(fields)})." if fields else ".")
