"""Request bodies of the REST door."""

from typing import Any, Literal

from pydantic import Field

from charter.channels.reading import Body


class InputImage(Body):
    media_type: str = Field(max_length=64, description="image/png, image/jpeg, image/gif or image/webp.")
    data: str = Field(description="Its bytes in base64.")


class CreateRun(Body):
    agent: str = Field(min_length=1, max_length=128)
    input: str
    images: list[InputImage] = Field(
        default_factory=list[InputImage],
        max_length=4,
        description="Images that the input speaks of. They count as untrusted content, and towards the size of the request.",
    )
    thread: str | None = Field(default=None, max_length=64)
    metadata: dict[str, Any] = Field(default_factory=dict[str, Any])


class Resolve(Body):
    step_id: str = Field(max_length=64)
    answer: Literal["happened", "retry", "give_up"]
    result: Any = None
    since: str | None = Field(default=None, max_length=40)


class GiveFeedback(Body):
    reaction: Literal["like", "dislike"]
    reason: str = Field(default="", description="At most 2000 characters; those that cannot be seen are left out.")


class Replay(Body):
    bundle: Literal["own", "current"] = Field(
        default="own", description="The bundle that the run began with, or the present one of its agent."
    )


class Search(Body):
    query: str = Field(min_length=1, max_length=1000)
    collection: str | None = Field(default=None, max_length=128, description="Only in this one.")
    top: int = Field(default=5, ge=1, le=20)


class Decide(Body):
    decision: Literal["approve", "reject"]
    digest: str = Field(max_length=128)
    comment: str | None = Field(default=None, max_length=2000)
