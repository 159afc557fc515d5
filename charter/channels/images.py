"""Images in a request's body: base64 becomes bytes; addresses are not followed."""

import base64
import binascii
import re

from charter.errors import FieldError, InvalidRequest
from charter.models.chat import Image

_DATA_URL = re.compile(r"data:(image/[a-z0-9.+-]{1,32});base64,(.*)", re.DOTALL | re.ASCII)
_NOT_FOLLOWED = (
    "An image must come as a data: URL with base64. This host fetches no addresses that a caller names: they may lead to "
    "places that only the host can reach."
)


def decoded(media_type: str, text: str, pointer: str) -> Image:
    """Return the image.

    Raises:
        InvalidRequest: it is not base64.
    """
    try:
        return Image(media_type, base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError) as fault:
        raise InvalidRequest("An image is not base64.", errors=[FieldError(pointer, "not base64")]) from fault


def of_url(url: str, pointer: str) -> Image:
    """Return the image that a data: URL holds.

    Raises:
        InvalidRequest: it is another address, or not base64.
    """
    found = _DATA_URL.fullmatch(url)
    if found is None:
        raise InvalidRequest(f"{pointer}: {_NOT_FOLLOWED}", errors=[FieldError(pointer, _NOT_FOLLOWED)])
    return decoded(found[1], found[2], pointer)
