"""Permissions as SharePoint tells them, in forms that no library of a test has."""

from datetime import UTC, datetime
from typing import Any

import pytest

from charter.knowledge.sources.sharing import readers

NOW = datetime(2026, 11, 27, tzinfo=UTC)
BOB: dict[str, Any] = {"grantedToV2": {"user": {"id": "bob"}}, "roles": ["read"]}


@pytest.mark.promise("knowledge.permissions")
@pytest.mark.parametrize(
    ("permission", "expected"),
    [
        (BOB, ("user:bob",)),
        (BOB | {"roles": ["write"]}, ("user:bob",)),
        (BOB | {"roles": []}, ()),
        (BOB | {"roles": ["sp.limited access"]}, ()),
        (BOB | {"roles": "read"}, ()),
        (BOB | {"expirationDateTime": "2026-11-26T00:00:00Z"}, ()),
        (BOB | {"expirationDateTime": "2026-11-28T00:00:00.0000000Z"}, ("user:bob",)),
        (BOB | {"expirationDateTime": "0001-01-01T00:00:00Z"}, ("user:bob",)),
        (BOB | {"expirationDateTime": "soon"}, ()),
        ({"grantedToV2": {"siteUser": {"id": "7"}}, "roles": ["read"]}, ()),
        ({"grantedToV2": {"siteGroup": {"id": "3"}}, "roles": ["read"]}, ()),
        ({"grantedToV2": {"application": {"id": "app"}}, "roles": ["write"]}, ()),
        ({"grantedTo": {"user": {"id": "bob"}}, "roles": ["read"]}, ()),
        ({"grantedToV2": {"user": {"displayName": "Bob"}}, "roles": ["read"]}, ()),
        ({"grantedToV2": {"user": {"id": "bob tenant"}}, "roles": ["read"]}, ()),
        ({"grantedToV2": {"group": {"id": "hr"}, "siteGroup": {"id": "3"}}, "roles": ["read"]}, ("group:hr",)),
        ({"link": {"scope": "organization"}, "roles": ["read"]}, ("tenant",)),
        ({"link": {"scope": "organization"}, "roles": ["read"], "hasPassword": True}, ()),
        ({"link": {"scope": "anonymous"}, "roles": ["read"], **{"grantedToV2": BOB["grantedToV2"]}}, ()),
        ({"link": {"scope": "existingAccess"}, "roles": ["read"]}, ()),
        ({"link": {}, "roles": ["read"]}, ()),
        ({"link": "all", "roles": ["read"]}, ()),
        ({"link": {"scope": "users"}, "roles": ["read"], "grantedToIdentitiesV2": [{"user": {"id": "bob"}}, None]}, ("user:bob",)),
        ({"invitation": {"email": "walter@customers.example"}, "roles": ["read"]}, ()),
        ({}, ()),
    ],
)  # fmt: skip
def test_a_permission_opens_to_whom_it_surely_names(permission: dict[str, Any], expected: tuple[str, ...]) -> None:
    assert readers([permission], NOW) == expected
