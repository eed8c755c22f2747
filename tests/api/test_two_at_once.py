"""Two people who change one record at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from tests.clients import World


def test_changes_without_a_version_wait_for_each_other(world: World) -> None:
    key = world.admin().post("/customers", {"name": "Acme"}).json()["data"]["id"]

    def change(number: int) -> int:
        return int(world.admin().put(f"/customers/{key}", {"size": number}).status_code)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(change, range(24)))
    assert set(answers) == {200}
    assert world.admin().data(f"/customers/{key}")["version"] == 25


def test_changes_with_a_version_are_done_once(world: World) -> None:
    made = world.admin().post("/customers", {"name": "Acme"})
    key, version = made.json()["data"]["id"], made.headers["etag"]

    def change(number: int) -> int:
        return int(world.admin().put(f"/customers/{key}", {"size": number}, headers={"If-Match": version}).status_code)

    with ThreadPoolExecutor(8) as pool:
        answers = sorted(pool.map(change, range(8)))
    assert answers == [200, *[412] * 7]
