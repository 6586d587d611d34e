"""Fetching a commit: by its id only, the wanted folders only, and nothing that git would do besides."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ckssd.errors import EnvironmentSetupError, InputError, NetworkError, UsageError, VerificationError
from ckssd.fetch.git import GitSource, fetch_commit

ABSENT = "0123456789abcdef0123456789abcdef01234567"


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *identity, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(folder: Path) -> Path:
    """Two commits; the first is no branch's end."""
    made = folder / "the repository"
    (made / "research" / "wanted").mkdir(parents=True)
    (made / "research" / "other").mkdir()
    (made / "research" / "wanted" / "a.txt").write_bytes(b"first\r\n")
    (made / "research" / "other" / "b.txt").write_text("b")
    git(made, "init", "--quiet")
    git(made, "add", "--all")
    git(made, "commit", "--quiet", "--message=first")
    (made / "research" / "wanted" / "a.txt").write_text("second")
    git(made, "commit", "--quiet", "--all", "--message=second")
    return made


def source(repository: Path, commit: str, *folders: str) -> GitSource:
    return GitSource(f"file://{repository}", commit, folders or ("research/wanted",))


def test_a_commit_that_is_no_branch_is_fetched_as_it_was(repository: Path, folder: Path) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    fetch_commit(source(repository, first), folder / "out")
    assert (folder / "out" / "research" / "wanted" / "a.txt").read_bytes() == b"first\r\n"


def test_only_the_wanted_folders_stay(repository: Path, folder: Path) -> None:
    fetch_commit(source(repository, git(repository, "rev-parse", "HEAD")), folder / "out")
    files = [path.relative_to(folder / "out").as_posix() for path in (folder / "out").rglob("*")]
    assert sorted(files) == ["research", "research/wanted", "research/wanted/a.txt"]


def test_a_path_is_an_address_too(repository: Path, folder: Path) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    fetch_commit(GitSource(str(repository), commit, ("research/other",)), folder / "out")
    assert (folder / "out" / "research" / "other" / "b.txt").read_text() == "b"


def test_a_commit_that_the_repository_lacks_is_a_failed_verification(repository: Path, folder: Path) -> None:
    with pytest.raises(VerificationError, match="has not the commit") as caught:
        fetch_commit(source(repository, ABSENT), folder / "out")
    assert caught.value.expected == ABSENT
    assert not list((folder / "out").iterdir())


@pytest.mark.parametrize("name", ["HEAD", "main", ABSENT[:12], "--upload-pack=touch x"])
def test_a_name_that_verifies_nothing_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="full id"):
        GitSource("https://example.org/x.git", name, ("a",))


def test_an_address_that_git_would_take_for_an_option_is_refused() -> None:
    with pytest.raises(UsageError, match="address"):
        GitSource("--upload-pack=touch x", ABSENT, ("a",))


def test_a_folder_that_the_commit_lacks_is_named(repository: Path, folder: Path) -> None:
    with pytest.raises(InputError, match="no/such"):
        fetch_commit(source(repository, git(repository, "rev-parse", "HEAD"), "no/such"), folder / "out")


def test_no_connection_is_opened_offline(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    with pytest.raises(NetworkError, match="CKSSD_OFFLINE"):
        fetch_commit(GitSource("https://example.org/x.git", ABSENT, ("a",)), folder / "out")


def test_a_local_repository_serves_offline(
    repository: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CKSSD_OFFLINE", "1")
    fetch_commit(source(repository, git(repository, "rev-parse", "HEAD")), folder / "out")
    assert (folder / "out" / "research" / "wanted" / "a.txt").read_text() == "second"


def test_a_missing_repository_is_one_line(folder: Path) -> None:
    with pytest.raises(NetworkError, match="git fetch failed"):
        fetch_commit(source(folder / "nowhere", ABSENT), folder / "out")


def test_without_git_the_error_says_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(EnvironmentSetupError, match="git is missing"):
        fetch_commit(source(folder, ABSENT), folder / "out")


def test_variables_of_another_repository_do_not_mislead_git(
    repository: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(repository, "rev-parse", "HEAD~1")
    before = git(repository, "status", "--porcelain")
    other = folder / "other"
    other.mkdir()
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    fetch_commit(source(repository, first), folder / "out")
    assert (folder / "out" / "research" / "wanted" / "a.txt").read_bytes() == b"first\r\n"
    assert [path.name for path in other.iterdir()] == [".git"]
    monkeypatch.undo()
    assert git(repository, "status", "--porcelain") == before
