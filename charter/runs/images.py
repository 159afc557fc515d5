"""The images of a run's input: what is taken, and where they are kept. They never go into a journal, a log or a span.

A run that is opened again shows them again; the next run of the thread does not, it has the answers.
"""

from collections.abc import Mapping, Sequence

from charter.errors import FieldError, InvalidRequest
from charter.governance.labels import TRUSTED, Label, untrusted
from charter.models.chat import Image
from charter.store.database import Session

MOST = 4
_BEGINNINGS: Mapping[str, tuple[bytes, ...]] = {
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/gif": (b"GIF87a", b"GIF89a"),
    "image/webp": (b"RIFF",),
}
MEDIA_TYPES = tuple(_BEGINNINGS)


def check(images: Sequence[Image]) -> None:
    """Hold the images of a request against what is taken; their bytes decide what they are, not what is said of them.

    Raises:
        InvalidRequest: too many, of another kind, or not of the kind that is said.
    """
    if len(images) > MOST:
        _refuse("There are too many images.", "/images", f"at most {MOST}")
    for at, image in enumerate(images):
        if image.media_type not in _BEGINNINGS:
            _refuse(
                "An image is of a kind that is not taken.",
                f"/images/{at}/media_type",
                f"one of {', '.join(MEDIA_TYPES)}",
            )
        if not _is(image):
            _refuse(
                f"An image is no {image.media_type}.",
                f"/images/{at}/data",
                "the bytes do not begin as such an image does",
            )


def media_type_of(data: bytes) -> str | None:
    """Return which of the images that are taken these bytes are, if any."""
    return next((media_type for media_type in MEDIA_TYPES if _is(Image(media_type, data))), None)


def _is(image: Image) -> bool:
    webp = image.media_type == "image/webp"
    return image.data.startswith(_BEGINNINGS[image.media_type]) and (not webp or image.data[8:12] == b"WEBP")


def _refuse(sentence: str, pointer: str, detail: str) -> None:
    raise InvalidRequest(sentence, errors=[FieldError(pointer, detail)])


def label_of(count: int) -> Label:
    """Return the label of so many images.

    The person vouches for what they write, not for what somebody else wrote into a picture that they pass on.
    """
    return untrusted("an image of the request") if count else TRUSTED


async def keep(session: Session, tenant: str, run_id: str, images: Sequence[Image]) -> None:
    """Keep the images of a new run."""
    await session.executemany(
        "insert into run_images (tenant, run_id, ordinal, media_type, data) values ($1, $2, $3, $4, $5)",
        [(tenant, run_id, ordinal, image.media_type, image.data) for ordinal, image in enumerate(images)],
    )


async def of_run(session: Session, run_id: str) -> tuple[Image, ...]:
    """Return the images of a run in their order."""
    rows = await session.fetch("select media_type, data from run_images where run_id = $1 order by ordinal", run_id)
    return tuple(Image(row["media_type"], row["data"]) for row in rows)
