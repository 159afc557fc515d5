"""The twins' certificate: made once, believed by whoever trusts its authority, and by nobody else."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
import trustme
from aiohttp import web

from charter.twins import certificates
from charter.twins.listening import serve, take


@pytest.mark.promise("twins.tls")
async def test_a_secure_place_is_believed_by_the_kept_authority_alone(tmp_path: Path) -> None:
    kept = certificates.kept(tmp_path / "tls")
    plain, secure = take(0, "test"), take(0, "test", secure=True)
    application = web.Application()
    application.router.add_get("/", _scheme)
    runner = await serve(application, plain, secure, tls=kept.context())
    try:
        trusting = ssl.create_default_context(cafile=kept.ca_file)
        async with aiohttp.ClientSession() as http:
            for host in ("localhost", "127.0.0.1"):
                async with http.get(f"https://{host}:{secure.port}/", ssl=trusting) as response:
                    assert await response.text() == "https"
            async with http.get(plain.url) as response:
                assert await response.text() == "http"
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(secure.url)
    finally:
        await runner.cleanup()
        plain.close()
        secure.close()


async def _scheme(request: web.Request) -> web.Response:
    return web.Response(text=request.scheme)


@pytest.mark.promise("twins.tls")
def test_a_certificate_is_kept_until_it_is_spent_or_torn(tmp_path: Path) -> None:
    kept = certificates.kept(tmp_path / "tls")
    before = _contents(tmp_path)
    assert set(before) == {"ca.pem", "server.pem"}
    assert {oct(path.stat().st_mode & 0o777) for path in (tmp_path / "tls").iterdir()} == {"0o600"}
    assert before["ca.pem"].count("PRIVATE KEY") == 0
    certificates.kept(tmp_path / "tls")
    assert _contents(tmp_path) == before
    kept.ca_file.write_bytes(trustme.CA().cert_pem.bytes())
    certificates.kept(tmp_path / "tls")
    assert _contents(tmp_path)["server.pem"] != before["server.pem"]
    _shorten(kept)
    spent = _contents(tmp_path)
    certificates.kept(tmp_path / "tls")
    assert all(content != spent[name] for name, content in _contents(tmp_path).items())


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("ascii") for path in (folder / "tls").iterdir()}


def _shorten(kept: certificates.Certificates) -> None:
    """Put a certificate there that is good, but not for long."""
    authority = trustme.CA()
    server = authority.issue_cert("localhost", not_after=datetime.now(UTC) + timedelta(days=2))
    kept.server_file.write_bytes(server.private_key_and_cert_chain_pem.bytes())
    kept.ca_file.write_bytes(authority.cert_pem.bytes())
