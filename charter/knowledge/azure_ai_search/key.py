"""The key to the service, as it is now."""

from typing import Any

from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import AsyncHTTPPolicy

from charter.secrets.store import Live


class LiveKey(AsyncHTTPPolicy[Any, Any]):
    """Puts the present key into each request; where it is refused, the newest one is tried once."""

    def __init__(self, key: Live) -> None:
        super().__init__()
        self._key = key

    async def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        used = await self._key(False)
        request.http_request.headers["api-key"] = used
        response = await self.next.send(request)
        if response.http_response.status_code in (401, 403) and (newest := await self._key(True)) != used:
            request.http_request.headers["api-key"] = newest
            response = await self.next.send(request)
        return response
