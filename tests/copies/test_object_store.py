"""Copies in S3-compatible storage, against a real server of it on the loopback interface: moto's, where it is installed
(the extra `s3-server`).
"""

import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.errors import ConfigurationError, DataDirectoryError, ExitCode
from models.observer import Observer
from pipelines.archive.known_copies import KnownCopy, read_known_copies
from pipelines.archive.selection import Selection
from pipelines.copies.check import verify_copy
from pipelines.copies.destination import CopyContent, Destination, read_there
from pipelines.copies.opened import is_for_restore, opened_on_demand
from pipelines.copies.places import add_copy, open_place, place_of
from pipelines.copies.sync import sync_copy
from pipelines.disk.layout import Layout
from pipelines.forget.forget import ErasureTarget, forget, plan_forget
from pipelines.restore.restore import RestoreRequest, restore
from tests.archives import Archive
from tests.trees import tree_of

SERVER = shutil.which("moto_server")
QUIET = Observer()
needs_server = pytest.mark.skipif(SERVER is None, reason="moto_server, of the extra `s3-server`, is not installed")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of an empty bucket, while the variables of the AWS tools name its server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [str(SERVER), "-H", "127.0.0.1", "-p", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=tmp_path_factory.mktemp("server"),
    )
    endpoint = f"http://127.0.0.1:{port}"
    try:
        create_bucket(f"{endpoint}/backup")
        with pytest.MonkeyPatch.context() as patch:
            for name, value in (
                ("AWS_ENDPOINT_URL", endpoint),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_REGION", "us-east-1"),
            ):
                patch.setenv(name, value)
            yield "s3://backup"
    finally:
        server.terminate()
        server.wait()


def create_bucket(url: str) -> None:
    """Create a bucket as soon as the server answers."""
    until = time.monotonic() + 60
    while True:
        try:
            urllib.request.urlopen(urllib.request.Request(url, method="PUT"), timeout=10).close()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > until:
                raise
        else:
            return


@pytest.fixture(scope="module")
def archive(made_archive: Archive, tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return made_archive.copy(tmp_path_factory.mktemp("archive"))


def known(layout: Layout) -> KnownCopy:
    (one,) = read_known_copies(layout)
    return one


def objects(destination: Destination) -> dict[str, bytes]:
    return {path: read_there(destination, path) for path in destination.entries() if path != "copy.json"}


@needs_server
def test_a_copy_in_a_bucket_is_synced_verified_healed_erased_and_read_alone(
    archive: Archive, bucket: str, tmp_path: Path
) -> None:
    layout = archive.layout
    place = f"{bucket}/claude"
    add_copy(layout, place)
    assert sync_copy(layout, known(layout), QUIET).findings == []
    destination = open_place(place)
    whole = objects(destination)
    assert whole == {path: (layout.root / path).read_bytes() for path in whole}
    assert sync_copy(layout, known(layout), QUIET).files == 0
    part = next(path for path in whole if path.startswith("store/home="))
    with pytest.raises(FileExistsError):
        destination.put(part, CopyContent.of(b"other"))
    assert read_there(destination, part) == whole[part]
    destination.put(part, CopyContent.of(b"x" * len(whole[part])), over=True)
    destination.put("holiday.jpg", CopyContent.of(b"not ours"))
    found = verify_copy(layout, known(layout), destination, QUIET).findings
    assert [(one.code, one.address) for one in found] == [("C102", part), ("C103", "holiday.jpg")]
    assert sync_copy(layout, known(layout), QUIET).healed == [part]
    destination.remove("holiday.jpg")
    assert objects(destination) == whole
    forget(layout, plan_forget(layout, ErasureTarget("text", "it broke")), QUIET)
    assert sync_copy(layout, known(layout), QUIET).exit_code is ExitCode.VERIFIED
    assert objects(destination).keys() == {path for path in objects(destination) if (layout.root / path).exists()}
    assert verify_copy(layout, known(layout), destination, QUIET).findings == []
    restore(layout, RestoreRequest(tmp_path / "original", expired=True, links=True))
    with opened_on_demand(place, needed=is_for_restore) as (copied, bring):
        restore(copied, RestoreRequest(tmp_path / "restored", expired=True, links=True), bring=bring)
    assert tree_of(tmp_path / "restored") == tree_of(tmp_path / "original")


@needs_server
def test_of_a_copy_in_a_bucket_a_restore_of_one_file_downloads_the_parts_that_have_its_bytes_alone(
    made_archive: Archive, bucket: str, tmp_path: Path
) -> None:
    layout, place = made_archive.copy(tmp_path / "archive").layout, f"{bucket}/one-file"
    add_copy(layout, place)
    sync_copy(layout, known(layout), QUIET)
    with opened_on_demand(place, needed=is_for_restore) as (copied, bring):
        request = RestoreRequest(tmp_path / "one", Selection(files=["history.jsonl"]))
        assert restore(copied, request, bring=bring).exit_code == ExitCode.VERIFIED
        brought = {path.stem.split("-")[1] for path in copied.store.rglob("*.parquet")}
    assert (tmp_path / "one" / "history.jsonl").read_bytes()
    assert brought == {"1"}
    assert {path.stem.split("-")[1] for path in layout.store.rglob("phase-*.parquet")} > brought


def test_another_url_is_refused_and_a_service_that_is_away_is_named(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("ftp://host/place", "s3://", "https://host/bucket"):
        with pytest.raises(ConfigurationError):
            place_of(place)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with pytest.raises(DataDirectoryError, match="s3://nowhere/claude"):
        add_copy(archive.layout, "s3://nowhere/claude")


@pytest.mark.parametrize(
    ("place", "wanted"), [("s3://b/p", "AWS_ACCESS_KEY_ID"), ("gs://b/p", "GOOGLE_APP"), ("az://b/p", "AZURE_STORAGE")]
)
def test_storage_without_credentials_is_refused_and_no_service_is_asked_for_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: str, wanted: str
) -> None:
    for name in [one for one in os.environ if one.startswith(("AWS_", "GOOGLE_", "GCE_", "AZURE_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"no credentials for {place}: set {wanted}"):
        open_place(place)
