"""Archives that want to write elsewhere, and archives that are none."""

from __future__ import annotations

import contextlib
import io
import random
import stat
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ckssd.errors import CkssdError, InputError
from ckssd.fetch import Unpacked, unpack
from ckssd.fetch import unpack as public_unpack
from ckssd.fetch.unpack import Kind, Member, fault_of

LIMIT = 1_000_000
unpack_module = __import__("sys").modules[public_unpack.__module__]


def tar_of(path: Path, *members: tuple[str, bytes, object], mode: str = "w", bits: int = 0o644) -> Path:
    """A tar of ``(name, type, content or link target)``."""
    with tarfile.open(path, mode) as tar:
        for name, kind, content in members:
            info = tarfile.TarInfo(name)
            info.type, info.mode = kind, bits
            data = content if isinstance(content, bytes) else b""
            info.size = len(data)
            info.linkname = content if isinstance(content, str) else ""
            tar.addfile(info, io.BytesIO(data))
    return path


def zip_of(path: Path, *members: tuple[str, bytes], mode: int = 0o100644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as container:
        for name, data in members:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            container.writestr(info, data)
    return path


@pytest.fixture(params=["the data filter", "its equal on older Pythons"])
def any_filter(request, monkeypatch):
    if request.param != "the data filter":
        monkeypatch.setattr(unpack_module, "DATA_FILTER", None)
        monkeypatch.setattr(tarfile.TarFile, "extraction_filter", staticmethod(tarfile.fully_trusted_filter))


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_honest_tar(folder, mode, any_filter):
    archive = tar_of(
        folder / "a.tar",
        ("top", tarfile.DIRTYPE, None),
        ("top/file", tarfile.REGTYPE, b"12345"),
        ("top/deep/link", tarfile.SYMTYPE, "../file"),
        ("top/hard", tarfile.LNKTYPE, "top/file"),
        mode=mode,
    )
    out = folder / "out"
    assert unpack(archive, out, limit=5) == Unpacked(members=4, size=5)
    assert (out / "top/deep/link").read_bytes() == b"12345"
    assert (out / "top/hard").samefile(out / "top/file")


def test_honest_zip(folder):
    archive = zip_of(folder / "a.zip", ("top/", b""), ("top/file", b"12345"))
    out = folder / "out"
    assert unpack(archive, out, limit=5) == Unpacked(members=2, size=5)
    assert (out / "top/file").read_bytes() == b"12345"


def test_only_wanted_members(folder):
    members = [("a/x.json", tarfile.REGTYPE, b"1"), ("a/y.bin", tarfile.REGTYPE, b"2")]
    archive = tar_of(folder / "a.tar", *members)
    unpack(archive, folder / "out", limit=10, wanted=lambda name: name.endswith(".json"))
    assert [path.name for path in (folder / "out/a").iterdir()] == ["x.json"]


R, D, S, H = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
TWO_DOTS = {
    "first": [("../evil", R, b"x")],
    "inside": [("a/../../evil", R, b"x")],
    "of a folder": [("a/../..", D, None)],
}
ABSOLUTE_PATHS = {"file": [("/tmp/ckssd-evil", R, b"x")], "folder": [("/tmp/ckssd-evil", D, None)]}
SYMLINKS = {
    "out": [("link", S, "../evil")],
    "absolute": [("link", S, "/etc/passwd")],
    "empty": [("link", S, "")],
    "climbing late": [("a/b", S, "."), ("c", S, "a/b/../..")],
    "followed": [("link", S, "."), ("link/file", R, b"x")],
    "overwritten": [("a", S, "b"), ("./a", R, b"x")],
    "overwritten by a folder": [("b", D, None), ("a", S, "b"), ("a", D, None)],
    "the folder itself": [("./", S, "x")],
}
HARD_LINKS = {
    "out": [("link", H, "../evil")],
    "absolute": [("link", H, "/etc/passwd")],
    "through a symlink": [("f", R, b"x"), ("s", S, "f"), ("h", H, "s")],
    "to nothing yet": [("link", H, "later"), ("later", R, b"x")],
}
NO_FILES = {
    "device": [("null", tarfile.CHRTYPE, None)],
    "block device": [("disk", tarfile.BLKTYPE, None)],
    "fifo": [("pipe", tarfile.FIFOTYPE, None)],
    "one name twice": [("a", R, b"1"), ("a", R, b"2")],
}


def each(cases: dict[str, object]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("members", cases.values(), ids=cases)


def assert_tar_refused(folder: Path, members: list[tuple[str, bytes, object]]) -> None:
    archive = tar_of(folder / "a.tar", *members)
    with pytest.raises(InputError, match="an archive has"):
        unpack(archive, folder / "in" / "out", limit=LIMIT)
    assert sorted(path.name for path in folder.iterdir()) == ["a.tar", "in"]
    assert [path.name for path in (folder / "in").iterdir()] == ["out"]
    assert not Path("/tmp/ckssd-evil").exists()


def assert_zip_refused(folder: Path, name: str) -> None:
    with pytest.raises(InputError, match="an archive has"):
        unpack(zip_of(folder / "a.zip", (name, b"x")), folder / "in" / "out", limit=LIMIT)
    assert not (folder / "in" / "evil").exists()
    assert not Path("/tmp/ckssd-evil").exists()


@each(TWO_DOTS)
def test_path_escape_by_two_dots(folder, members, any_filter):
    assert_tar_refused(folder, members)


@pytest.mark.parametrize("name", ["../evil", "a/../../evil"])
def test_path_escape_by_two_dots_in_a_zip(folder, name):
    assert_zip_refused(folder, name)


@each(ABSOLUTE_PATHS)
def test_path_escape_by_absolute_path(folder, members, any_filter):
    assert_tar_refused(folder, members)


def test_path_escape_by_absolute_path_in_a_zip(folder):
    assert_zip_refused(folder, "/tmp/ckssd-evil")


@each(SYMLINKS)
def test_path_escape_by_symlink(folder, members, any_filter):
    assert_tar_refused(folder, members)


@each(HARD_LINKS)
def test_path_escape_by_hard_link(folder, members, any_filter):
    assert_tar_refused(folder, members)


@each(NO_FILES)
def test_devices_and_doubled_names_are_refused(folder, members, any_filter):
    assert_tar_refused(folder, members)


def test_symlink_in_a_zip_is_refused(folder):
    with pytest.raises(InputError, match="special"):
        unpack(
            zip_of(folder / "a.zip", ("l", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), folder / "o", limit=9
        )


def test_link_that_lies_in_the_folder_beforehand_is_not_followed(folder):
    out = folder / "out"
    out.mkdir()
    (out / "a").symlink_to(folder)
    with pytest.raises(InputError, match="through a link"):
        unpack(tar_of(folder / "a.tar", ("a/evil", tarfile.REGTYPE, b"x")), out, limit=LIMIT)
    assert not (folder / "evil").exists()


@pytest.mark.parametrize("kind", ["tar", "zip"])
def test_more_than_the_stated_total_is_refused(folder, kind):
    bomb = bytes(200_000)
    if kind == "tar":
        members = [(name, tarfile.REGTYPE, bomb) for name in "abc"]
        archive = tar_of(folder / "a", *members, mode="w:gz")
    else:
        archive = zip_of(folder / "a", *((name, bomb) for name in "abc"))
    with pytest.raises(InputError, match="at most 500000 bytes"):
        unpack(archive, folder / "out", limit=500_000)
    assert sum(path.stat().st_size for path in (folder / "out").iterdir()) <= 500_000


def test_zip_that_lies_about_its_size_is_stopped(folder):
    archive = zip_of(folder / "a.zip", ("a", bytes(3_000_000)))
    raw = bytearray(archive.read_bytes())
    at = raw.rindex(b"PK\x01\x02") + 24
    raw[at : at + 4] = (10).to_bytes(4, "little")
    archive.write_bytes(raw)
    with pytest.raises(InputError):
        unpack(archive, folder / "out", limit=1000)


def test_modes_are_tamed(folder, any_filter):
    archive = tar_of(folder / "a.tar", ("f", tarfile.REGTYPE, b"x"), bits=0o6777)
    unpack(archive, folder / "out", limit=1)
    assert stat.S_IMODE((folder / "out/f").stat().st_mode) == 0o755


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 half", b"\x1f\x8b\x08 half"])
def test_no_archive_is_said_so(folder, data):
    (folder / "a.zip").write_bytes(data)
    with pytest.raises(InputError, match="damaged or of an unknown kind"):
        unpack(folder / "a.zip", folder / "out", limit=LIMIT)


def test_encrypted_zip_is_refused(folder):
    archive = zip_of(folder / "a.zip", ("a", b"data"))
    raw = bytearray(archive.read_bytes())
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        raw[raw.index(mark) + flag] |= 1
    archive.write_bytes(raw)
    with pytest.raises(InputError, match="encrypted"):
        unpack(archive, folder / "out", limit=LIMIT)


names = st.lists(st.sampled_from(["a", "b", "c", "..", ".", ""]), min_size=1, max_size=5).map("/".join)
members = st.lists(
    st.tuples(
        names,
        st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE]),
        names | st.binary(max_size=20),
    ),
    max_size=8,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members)
def test_no_tar_writes_outside(any_filter, members):
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        outer = base / "x" / "y" / "z"
        outer.mkdir(parents=True)
        with contextlib.suppress(CkssdError):
            unpack(tar_of(base / "a.tar", *members), outer / "out", limit=LIMIT)
        inside = outer / "out"
        assert [path.name for path in outer.iterdir()] in ([], ["out"])
        assert [path.name for path in base.iterdir() if path.name != "a.tar"] == ["x"]
        for path in inside.rglob("*"):
            assert path.parent.resolve().is_relative_to(inside.resolve())
            if path.is_symlink() and path.exists():
                assert path.resolve().is_relative_to(inside.resolve())


zip_members = st.lists(
    st.tuples(
        names | st.text(max_size=20),
        st.binary(max_size=40),
        st.sampled_from([0, stat.S_IFREG | 0o777, stat.S_IFLNK | 0o777, stat.S_IFDIR, stat.S_IFCHR]),
    ),
    max_size=6,
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(max_examples=80)
@given(zip_members)
def test_no_zip_writes_outside(members):
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        with zipfile.ZipFile(base / "a.zip", "w") as container:
            for name, data, mode in members:
                info = zipfile.ZipInfo(name)
                info.external_attr = mode << 16
                container.writestr(info, data)
        with contextlib.suppress(CkssdError):
            unpack(base / "a.zip", base / "in" / "out", limit=LIMIT)
        assert {path.name for path in base.iterdir()} <= {"a.zip", "in"}
        assert [path.name for path in (base / "in").glob("*")] in ([], ["out"])
        assert not [path for path in (base / "in").rglob("*") if not (path.is_file() or path.is_dir())]
        assert not [path for path in (base / "in").rglob("*") if path.is_symlink()]


def seed_archives() -> list[bytes]:
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        honest = [("d/f", tarfile.REGTYPE, b"content " * 50), ("d/l", tarfile.SYMTYPE, "f")]
        made = [
            tar_of(base / f"{number}", *honest, mode=mode)
            for number, mode in enumerate(["w", "w:gz", "w:xz"])
        ]
        made.append(zip_of(base / "zip", ("d/f", b"content " * 50)))
        return [path.read_bytes() for path in made]


ARCHIVES = seed_archives()


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(ARCHIVES), st.integers(0, 2**32), st.integers(1, 12))
def test_damaged_archive_is_unpacked_or_an_error_of_ours(archive, seed, changes):
    chance = random.Random(seed)
    raw = bytearray(archive)
    for _ in range(changes):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    if chance.random() < 0.3:
        del raw[chance.randrange(len(raw)) :]
    with tempfile.TemporaryDirectory() as temporary:
        base = Path(temporary)
        (base / "a").write_bytes(raw)
        with contextlib.suppress(CkssdError):
            assert unpack(base / "a", base / "in" / "out", limit=LIMIT).size <= LIMIT
        assert {path.name for path in base.iterdir()} <= {"a", "in"}


@given(st.text(max_size=30), st.sampled_from(Kind), st.text(max_size=30))
def test_judgement_takes_any_text(name, kind, link):
    fault_of(Member(name, kind, 0, link))
