"""Users as the tests ask for them."""

from __future__ import annotations

from collections.abc import Callable

from tests.clients import Caller
from tests.installed import PASSWORD

AddUser = Callable[..., int]
SignIn = Callable[..., Caller]
RoleId = Callable[[str], int]

EVE = {"username": "eve", "email": "eve@example.com", "password": PASSWORD}
