"""Images at the doors: what is taken, who sees them, and where they must not stand."""

import base64
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openai
import pytest
from aiohttp import web

from charter import settings
from charter.twins.listening import serve, take
from charter.twins.makers.scene import Scene
from tests.models.makers.hosts import Hosted, hosted
from tests.telemetry.test_spans import Collector

PNG = b"\x89PNG\r\n\x1a\n" + b"a picture that nobody else may see"
JPEG = b"\xff\xd8\xff\xe0" + b"another picture"


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def image(data: bytes = PNG, media_type: str = "image/png") -> dict[str, str]:
    return {"media_type": media_type, "data": encoded(data)}


def url(data: bytes = PNG, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{encoded(data)}"


@dataclass(slots=True)
class Watched:
    """A host on OpenAI's twin, its log, and the spans that it sent."""

    maker: Hosted
    log: Path
    spans: Collector

    async def post(self, body: dict[str, Any], **headers: str) -> Any:
        return await self.maker.host.call("alice", "POST", "/v1/runs", body, **headers)


@pytest.fixture(scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder, collector, place = tmp_path_factory.mktemp("images"), Collector(), take(0, "collector")
    app = web.Application()
    app.router.add_post("/v1/traces", collector.take)
    runner = await serve(app, place)
    telemetry, log = settings.Telemetry(otlp_endpoint=place.url, log_level="debug"), folder / "log.txt"
    try:
        with closing(log.open("wb")) as file:
            async with hosted(folder, telemetry=telemetry, log=file) as running:
                yield Watched(running["openai"], log, collector)
    finally:
        await runner.cleanup()
        place.close()


@pytest.mark.promise("runs.images.taken")
@pytest.mark.parametrize(("images", "pointer", "words"), [
    ([image()] * 5, "/images", "at most 4"),
    ([image(), image(b"%PDF-1.7")], "/images/1/data", "do not begin"),
    ([image(JPEG)], "/images/0/data", "do not begin"),
    ([image(b"RIFF\x00\x00\x00\x00WAVEfmt ", "image/webp")], "/images/0/data", "do not begin"),
    ([image(b"<svg/>", "image/svg+xml")], "/images/0/media_type", "image/png"),
    ([{"media_type": "image/png", "data": "not base64!"}], "/images/0/data", "not base64"),
    ([{"media_type": "image/png", "url": "https://fabrikam.example/cat.png"}], "/images/0/data", "required"),
])  # fmt: skip
async def test_what_is_no_image_is_refused_where_it_stands(
    watched: Watched, images: Any, pointer: str, words: str
) -> None:
    answer = await watched.post({"agent": watched.maker.agent, "input": "What is this?", "images": images})
    assert (answer.status, answer.body["code"]) == (422, "invalid_request")
    told = {fault["pointer"]: fault["detail"] for fault in answer.body["errors"]}
    assert words in told[pointer].replace("Field ", "")


@pytest.mark.promise("runs.images.taken")
async def test_images_count_towards_the_size_of_a_request(watched: Watched) -> None:
    large = image(PNG + bytes(1_000_000))
    answer = await watched.post({"agent": watched.maker.agent, "input": "What is this?", "images": [large]})
    assert (answer.status, answer.body["code"]) == (413, "too_large")


@pytest.mark.promise("runs.images.taken")
async def test_a_model_that_sees_no_images_says_so_before_it_is_asked(watched: Watched) -> None:
    answer = await watched.post({"agent": "desk_embedded", "input": "What is this?", "images": [image()]})
    assert (answer.status, answer.body["code"]) == (409, "model_cannot")
    assert answer.body["detail"] == "The model of this agent cannot look at images."


@pytest.mark.promise("runs.form")
async def test_a_model_that_cannot_keep_to_a_form_says_so_before_it_is_asked(watched: Watched) -> None:
    answer = await watched.post({"agent": "report_embedded", "input": "How many days?"})
    assert (answer.status, answer.body["code"]) == (409, "model_cannot")


@pytest.mark.promise("runs.images")
async def test_each_run_is_shown_its_own_images_in_their_order(watched: Watched) -> None:
    maker = watched.maker
    await maker.ask("What is this?", Scene(("One.",)), images=[image(), image(JPEG, "image/jpeg")])
    assert [part["image_url"]["url"] for part in maker.messages()[-1]["content"][1:]] == [
        url(), url(JPEG, "image/jpeg"),
    ]  # fmt: skip
    await maker.ask("And this?", Scene(("Two.",)), images=[image(JPEG, "image/jpeg")])
    assert [part["image_url"]["url"] for part in maker.messages()[-1]["content"][1:]] == [url(JPEG, "image/jpeg")]


@pytest.mark.promise("runs.images")
async def test_the_same_key_with_other_images_is_another_request(watched: Watched) -> None:
    body = {"agent": watched.maker.agent, "input": "What is this?", "images": [image()]}
    first = await watched.post(body, Idempotency_Key="picture-1")
    again = await watched.post(body, Idempotency_Key="picture-1")
    other = await watched.post({**body, "images": [image(JPEG, "image/jpeg")]}, Idempotency_Key="picture-1")
    assert first.body["id"] == again.body["id"]
    assert (other.status, other.body["code"]) == (409, "idempotency_key_reused")


@pytest.fixture
async def alice(watched: Watched) -> AsyncIterator[openai.AsyncOpenAI]:
    host = watched.maker.host
    key = await host.token("alice")
    async with openai.AsyncOpenAI(base_url=f"{host.address}/v1", api_key=key, max_retries=0) as client:
        yield client


def said(text: str, *addresses: str) -> list[Any]:
    images = [{"type": "input_image", "detail": "auto", "image_url": address} for address in addresses]
    return [{"role": "user", "content": [{"type": "input_text", "text": text}, *images]}]


@pytest.mark.promise("responses.images")
async def test_the_plain_client_sends_images(watched: Watched, alice: openai.AsyncOpenAI) -> None:
    maker = watched.maker
    maker.plays(Scene(("A picture.",)))
    made = await alice.responses.create(model=maker.agent, input=said("What is this?", url()))
    assert made.output_text == "A picture."
    assert maker.messages()[-1]["content"][1]["image_url"]["url"] == url()
    part: Any = {"type": "image_url", "image_url": {"url": url(JPEG, "image/jpeg")}}
    chat: Any = [{"role": "user", "content": [{"type": "text", "text": "And this?"}, part]}]
    await alice.chat.completions.create(model=maker.agent, messages=chat)
    assert maker.messages()[-1]["content"][1]["image_url"]["url"] == url(JPEG, "image/jpeg")


@pytest.mark.promise("responses.images")
@pytest.mark.parametrize(
    "address", ["https://fabrikam.example/cat.png", "http://169.254.169.254/", "file:///etc/passwd"]
)
async def test_an_address_is_not_followed(watched: Watched, alice: openai.AsyncOpenAI, address: str) -> None:
    with pytest.raises(openai.UnprocessableEntityError, match="fetches no addresses"):
        await alice.responses.create(model=watched.maker.agent, input=said("What is this?", address))


@pytest.mark.promise("responses.images")
async def test_a_repeated_request_with_another_image_is_no_repetition(
    watched: Watched, alice: openai.AsyncOpenAI
) -> None:
    again = {"x-stainless-retry-count": "1"}

    async def ask(address: str, **headers: str) -> str:
        asked = said("Is this the receipt?", address)
        made = await alice.responses.create(model=watched.maker.agent, input=asked, extra_headers=headers)
        return made.id

    first = await ask(url())
    assert await ask(url(), **again) == first
    assert await ask(url(JPEG, "image/jpeg"), **again) != first


@pytest.mark.promise("runs.images.private")
async def test_no_image_stands_in_a_log_a_span_or_a_record(watched: Watched) -> None:
    maker = watched.maker
    secret = PNG + b"canary-picture-3f9a11-" * 40
    run = await maker.ask("What is this?", Scene(("A picture.",)), images=[image(secret)])
    steps = await maker.host.timeline("alice", run["id"])
    (message,) = [step for step in steps if step["type"] == "message"]
    assert message["label"]["influenced_by"] == ["an image of the request"]
    assert {"log": len(watched.log.read_bytes()) > 0, "images": run["images"]} == {"log": True, "images": 1}
    for text in (watched.log.read_bytes(), watched.spans.raw, str([run, steps]).encode()):
        assert encoded(secret)[40:120].encode() not in text
        assert b"canary-picture" not in text
