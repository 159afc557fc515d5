"""What went wrong at a model's endpoint, in our words: no text of a maker's exception goes further."""

import openai

from charter.errors import ModelUnavailable


def unavailable(fault: Exception) -> ModelUnavailable:
    """Return the fault that lies behind an exception of a connector."""
    cause: BaseException | None = fault
    while cause is not None:
        if isinstance(cause, ModelUnavailable):
            return cause
        if isinstance(cause, openai.RateLimitError):
            wait = cause.response.headers.get("retry-after", "")
            return ModelUnavailable("The model is busy.", retry_after=float(wait) if wait.isdigit() else None)
        if isinstance(cause, openai.APITimeoutError):
            return ModelUnavailable("The model did not answer in time.")
        if isinstance(cause, openai.APIStatusError):
            return ModelUnavailable(f"The model's endpoint answered with status {cause.status_code}.")
        if isinstance(cause, openai.APIConnectionError):
            return ModelUnavailable("The model's endpoint cannot be reached.")
        cause = cause.__cause__
    return ModelUnavailable("The model's answer could not be read.")
