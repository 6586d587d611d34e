"""Pictures from an address: the bytes that they have to be, or one clear error; a real server that fails."""

from __future__ import annotations

import hashlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.cluster.on_node import pictures
from ckssd.cluster.on_node.pictures import Fetched, Source, fetch
from ckssd.cluster.on_node.problem import NodeError
from ckssd.cluster.pictures import Carrier, check_scheme
from ckssd.cluster.settings import ClusterSettings
from ckssd.coco.annotations import ImageEntry
from ckssd.errors import InputError, UsageError, error_from
from ckssd.secrets import public
from tests.support.http_server import LocalServer, Page

NAME, BODY = "val/a picture.png", bytes(range(256)) * 3
SECRETS = ("swordfish", "0123456789abcdef")
# File names as people have them, with all that means something in an address.
names = st.lists(
    st.text(st.sampled_from("aZ09 .#?%&=+~'é漢"), min_size=1, max_size=8).filter(
        lambda part: part.strip(" .")
    ),
    min_size=1,
    max_size=3,
).map("/".join)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FIRST_PAUSE_S", 0.0)


def source(address: str, within_s: float = 20, **wanted: bytes) -> Source:
    known = {
        name: (hashlib.sha256(body).hexdigest(), len(body)) for name, body in (wanted or {NAME: BODY}).items()
    }
    return Source(address, public(address), known, within_s)


def refused(address: str, folder: Path, within_s: float = 20) -> dict[str, str]:
    """The error of a picture that cannot be had, which has no secrets in it."""
    with pytest.raises(NodeError) as caught:
        fetch(source(address, within_s), folder)
    shown = str(error_from(caught.value.fields))
    assert not any(secret in shown for secret in SECRETS)
    return caught.value.fields


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(files=st.dictionaries(names, st.binary(max_size=300), min_size=1, max_size=4))
def test_what_is_fetched_is_what_is_there_whatever_its_name(
    server: LocalServer, tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes]
) -> None:
    folder = tmp_path_factory.mktemp("fetched")
    parents = {"/".join(name.split("/")[:depth]) for name in files for depth in range(1, name.count("/") + 1)}
    files = {name: body for name, body in files.items() if name not in parents}  # no file is a folder, too
    for name, body in files.items():
        server.serve(f"any/{name}", body)
    found = fetch(source(server.url("any/"), **files), folder)
    assert found == Fetched(sum(map(len, files.values())), 0)
    assert {name: (folder / name).read_bytes() for name in files} == files


def test_a_password_and_a_token_go_to_the_server(server: LocalServer, tmp_path: Path) -> None:
    server.serve(f"closed/{NAME}?token={SECRETS[1]}", Page(BODY, login=f"me:{SECRETS[0]}"))
    address = server.url(f"closed/?token={SECRETS[1]}").replace("://", f"://me:{SECRETS[0]}@")
    assert fetch(source(address), tmp_path).bytes == len(BODY)
    missing = refused(address.replace("/closed/", "/elsewhere/"), tmp_path)
    assert missing["got"] == "there is no such file"
    assert missing["where"].startswith(server.url("elsewhere/val/a picture.png on "))


def test_a_password_of_the_node_s_netrc_goes_to_the_server_too(
    server: LocalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login me password {SECRETS[0]}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.serve(f"netrc/{NAME}", Page(BODY, login=f"me:{SECRETS[0]}"))
    assert fetch(source(server.url("netrc/")), tmp_path / "here").bytes == len(BODY)


@pytest.mark.parametrize(
    "page",
    [
        Page(BODY, status=503, failures=2),
        Page(BODY, reset_after=500, resets=2),
        Page(BODY, status=429, failures=2),
    ],
    ids=["busy", "reset", "too many"],
)
def test_what_is_over_in_a_moment_is_tried_again(server: LocalServer, tmp_path: Path, page: Page) -> None:
    place = f"moment{page.status}{page.resets}/"
    server.serve(place + NAME, page)
    assert fetch(source(server.url(place)), tmp_path) == Fetched(len(BODY), 2)


@pytest.mark.parametrize(
    ("page", "got"),
    [
        (Page(BODY, status=503), "4 tries: HTTP status 503"),
        (Page(BODY, length=len(BODY) + 9), "4 tries: ClientPayloadError"),
        (Page(BODY[:100], length="none"), f"4 tries: 100 of {len(BODY)} bytes"),
        (Page(BODY, stall_at=500), "4 tries: no whole answer within 0.3 s"),
    ],
    ids=["busy", "cut off", "cut off unseen", "silent"],
)
def test_what_stays_so_is_given_up(server: LocalServer, tmp_path: Path, page: Page, got: str) -> None:
    place = f"stays{len(server.requests)}/"
    server.serve(place + NAME, page)
    error = refused(server.url(place), tmp_path, 0.3)
    assert (error["code"], error["what"]) == ("network", "A picture cannot be fetched")
    assert error["got"].startswith(got)
    assert len(server.asked(place + NAME)) == 4
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(("status", "got"), [(404, "there is no such file"), (403, "HTTP status 403")])
def test_what_will_not_change_is_said_at_once(
    server: LocalServer, tmp_path: Path, status: int, got: str
) -> None:
    server.serve(f"{status}/{NAME}", Page(BODY, status=status))
    error = refused(server.url(f"{status}/"), tmp_path)
    assert error["got"] == got
    assert "--cluster-images sent" in error["advice"]
    assert len(server.asked(f"{status}/{NAME}")) == 1


@pytest.mark.parametrize("body", [BODY[::-1], BODY + b"more"], ids=["other", "longer"])
def test_another_picture_is_refused_by_its_name_and_both_hashes(
    server: LocalServer, tmp_path: Path, body: bytes
) -> None:
    server.serve(f"other/{NAME}", body)
    error = refused(server.url("other/"), tmp_path)
    assert error["code"] == "verification"
    assert error["where"].startswith(server.url(f"other/{NAME} on "))
    assert error["expected"] == f"{len(BODY)} bytes, sha256 {hashlib.sha256(BODY).hexdigest()}"
    assert error["got"] == f"{len(body)} bytes, sha256 {hashlib.sha256(body).hexdigest()}"


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://me:{SECRETS[0]}@127.0.0.1:{free.getsockname()[1]}/x/?sig={SECRETS[1]}"
        assert "4 tries: ClientConnectorError" in refused(address, tmp_path)["got"]


def test_files_of_another_part_of_fsspec_are_checked_as_well(tmp_path: Path) -> None:
    (tmp_path / "there" / "val").mkdir(parents=True)
    (tmp_path / "there" / NAME).write_bytes(BODY)
    assert fetch(source(f"file://{tmp_path}/there/"), tmp_path / "here").bytes == len(BODY)
    (tmp_path / "there" / NAME).write_bytes(BODY[::-1])
    assert refused(f"file://{tmp_path}/there/", tmp_path)["code"] == "verification"


@pytest.mark.parametrize(
    ("address", "without", "advice"),
    [
        ("s3://bucket/x/", "s3fs", "pip install fsspec s3fs"),
        ("http://host/x/", "fsspec", "pip install fsspec aiohttp"),
    ],
)
def test_a_node_that_lacks_what_fetches_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str, without: str, advice: str
) -> None:
    monkeypatch.setitem(sys.modules, without, None)
    error = refused(address, tmp_path)
    assert error["code"] == "not-installed"
    assert error["where"].startswith(sys.executable)
    assert advice in error["advice"]


def test_an_address_that_fsspec_does_not_know_is_refused_here_and_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"fsspec does not know such addresses: htp://host/x/.*got htp"):
        check_scheme("htp://host/x/")
    check_scheme("https://host/x/")
    assert refused("htp://host/x/", tmp_path)["what"] == "fsspec does not know such addresses"


def test_a_batch_names_its_files_as_they_are_here(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(BODY)
    images = [ImageEntry(1, "a.png", 1, 1)]
    assert Carrier(ClusterSettings("ray"), tmp_path, None).of(images) is None
    sent = Carrier(ClusterSettings("ray", images="sent"), tmp_path, None).of(images)
    assert sent == {"sent": {"a.png": BODY}}
    address = public(f"http://me:{SECRETS[0]}@host/x/")
    told = Carrier(ClusterSettings("ray", images=address, deadline_s=12), tmp_path, address).of(images)
    assert told is not None
    wanted = {"a.png": (hashlib.sha256(BODY).hexdigest(), len(BODY))}
    assert told["source"] == {
        "address": f"http://me:{SECRETS[0]}@host/x/",
        "shown": "http://host/x/",
        "wanted": wanted,
        "within_s": 2.0,
    }
    with pytest.raises(InputError, match="The image cannot be read"):
        Carrier(ClusterSettings("ray", images="sent"), tmp_path, None).of([ImageEntry(1, "b.png", 1, 1)])
