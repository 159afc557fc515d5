"""llama.cpp in this process (xllamacpp): one model, one slot, answers constrained by a JSON schema.

Its server part listens, and it cannot be told not to; so it listens on a socket in a private folder where the system has
such sockets, otherwise on loopback, and in both cases only to who has this process's random key. We talk to it through
the library; the socket serves one purpose, keeping the evaluated prefix on disk.
"""

import contextlib
import http.client
import os
import secrets
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

import orjson

from charter import settings
from charter.models.chat import Usage

THREADS = min(2, os.cpu_count() or 1)
"""The host's own work must go on beside the model."""

CONTEXT_TOKENS = 4096
_WAIT_SECONDS = 120

Messages = Sequence[Mapping[str, str]]


class LlamaError(Exception):
    """The runtime does not load or does not answer; the text is one sentence."""


class Llama:
    """A loaded model. Not for the event loop: an answer takes seconds. Calls wait for one another."""

    def __init__(self, weights: Path, slots: Path) -> None:
        """Load the weights; the prefix is kept in the folder ``slots``. The calling thread keeps a low priority.

        Raises:
            LlamaError: the library is missing or refuses the file.
        """
        self.name = weights.stem
        self._slots = slots
        self._key = secrets.token_hex(16)
        self._private = Path(tempfile.mkdtemp(prefix="charter-"))
        self._lock = Lock()
        _yield_to_others()
        try:
            self._server: Any = self._load(weights)
        except Exception as fault:
            shutil.rmtree(self._private, ignore_errors=True)
            raise LlamaError(f"The model {weights.name} does not load: {fault}.") from fault

    def _load(self, weights: Path) -> Any:
        settings.passive_openmp()
        xllamacpp: Any = import_module("xllamacpp")
        self.version = str(xllamacpp.__version__)
        wanted: Any = xllamacpp.CommonParams()
        wanted.model.path = str(weights)
        wanted.n_ctx, wanted.n_parallel = CONTEXT_TOKENS, 1
        wanted.cpuparams.n_threads = wanted.cpuparams_batch.n_threads = THREADS
        wanted.hostnames = ["127.0.0.1" if sys.platform == "win32" else str(self._private / "llama.sock")]
        wanted.api_keys, wanted.ui, wanted.slot_save_path = [self._key], False, f"{self._slots}{os.sep}"
        # The prefix is one, so no other is remembered; fitting to memory and warming up would only delay the start.
        wanted.cache_ram_mib, wanted.warmup, wanted.fit_params, wanted.verbosity = 0, False, False, -1
        return xllamacpp.Server(wanted)

    def close(self) -> None:
        """Free the model's memory."""
        with self._lock:
            self._server = None
        shutil.rmtree(self._private, ignore_errors=True)

    def read(self, messages: Messages) -> None:
        """Evaluate messages, so that what begins with them is quick.

        Raises:
            LlamaError: it failed.
        """
        self._ask({"messages": list(messages), "max_tokens": 1, "cache_prompt": True, "id_slot": 0})

    def complete(self, messages: Messages, schema: Mapping[str, Any], tokens: int) -> tuple[Any, Usage]:
        """Return the JSON value that the model writes, and what it read and wrote.

        Raises:
            LlamaError: it failed, or wrote past the limit.
        """
        strict = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
        body = {"messages": list(messages), "temperature": 0, "max_tokens": tokens, "response_format": strict}
        answer = self._ask(body | {"cache_prompt": True, "id_slot": 0})
        try:
            value = orjson.loads(answer["choices"][0]["message"]["content"])
            usage = answer["usage"]
            return value, Usage(usage["prompt_tokens"], usage["completion_tokens"])
        except (LookupError, TypeError, orjson.JSONDecodeError) as fault:
            raise LlamaError("The model's answer cannot be read.") from fault

    def _ask(self, body: dict[str, Any]) -> Any:
        with self._lock:
            if self._server is None:
                raise LlamaError("The model is closed.")
            try:
                return self._server.handle_chat_completions(body)
            except Exception as fault:
                raise LlamaError(f"The model failed: {fault}.") from fault

    def restored(self, name: str) -> bool:
        """Bring a kept prefix back; False where there is none that fits."""
        return (self._slots / name).is_file() and self._slot("restore", name)

    def keep(self, name: str) -> None:
        """Keep what has been evaluated last, in place of what was kept before."""
        for old in self._slots.glob("prefix-*"):
            old.unlink(missing_ok=True)
        self._slot("save", name)

    def _slot(self, action: str, name: str) -> bool:
        link = self._connection()
        headers = {"authorization": f"Bearer {self._key}", "content-type": "application/json"}
        try:
            link.request("POST", f"/slots/0?action={action}", orjson.dumps({"filename": name}), headers)
            return link.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            return False
        finally:
            link.close()

    def _connection(self) -> http.client.HTTPConnection:
        address = str(self._server.listening_address)
        if address.startswith("unix://"):
            return _Private(address.removeprefix("unix://"))
        return http.client.HTTPConnection(address.removeprefix("http://"), timeout=_WAIT_SECONDS)


def _yield_to_others() -> None:
    """Make this thread, and those the library begins from it, yield to the host's own work where both want a core."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICE)


_NICE = 10


class _Private(http.client.HTTPConnection):
    """HTTP over a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_WAIT_SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(_WAIT_SECONDS)
        self.sock.connect(self._path)
