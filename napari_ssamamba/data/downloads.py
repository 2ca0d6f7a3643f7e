"""Sample scenes from the web: fetched once, checked by checksum, kept in the user's cache."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from napari_ssamamba.data.classes import ClassTable
from napari_ssamamba.data.published_scenes import BASE_URL, SAMPLES
from napari_ssamamba.errors import DownloadError, SettingError
from napari_ssamamba.events import Notice, Progress

if TYPE_CHECKING:
    from collections.abc import Generator

    from requests import Response

    from napari_ssamamba.data.cube import Cube
    from napari_ssamamba.data.labels import LabelMap
    from napari_ssamamba.data.published_scenes import PublishedScene, RemoteFile

__all__ = ["BASE_URL", "CACHE", "SAMPLES", "cache_folder", "download_sample"]

CHUNK_BYTES = 64 * 1024
TIMEOUT_SECONDS = 15.0
"""How long the server may say nothing."""

CACHE = "SSAMAMBA_CACHE"
"""Environment variable: the folder to use in place of the user's cache folder."""

POLL_SECONDS = 0.1
CANCEL_SECONDS = 1.5
"""How long closing waits for the transfer to end; a stalled one ends by itself at the timeout."""


def cache_folder() -> Path:
    """Folder for what can be made or fetched again: downloads, overviews, maps while shown."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen).absolute()
    import pooch

    return Path(pooch.os_cache("napari-ssamamba"))


def download_sample(
    name: str, *, folder: Path | None = None, base_url: str = BASE_URL
) -> Generator[Progress, None, tuple[Cube, LabelMap]]:
    """Fetch a sample scene and its reference; those fetched before are taken from the cache.

    Closing the generator cancels the download; a file appears in the folder only when it is
    complete and its checksum is right.

    Parameters
    ----------
    name : str
        One of `SAMPLES`.
    folder : Path, optional
        Where the files are kept, by default `cache_folder`.
    base_url : str
        Where they come from, for mirrors.

    Yields
    ------
    Progress
        In bytes; at the end a `Notice` of where the wavelengths come from.

    Returns
    -------
    cube : Cube
        With nominal band centres, where the scene's bands are known.
    reference : LabelMap
        With the class names of the literature.

    Raises
    ------
    SettingError
        Where there is no such sample.
    DownloadError
        Without a network, for a file of another version than the one known, and where the
        folder cannot be written to.
    """
    scene = SAMPLES.get(name)
    if scene is None:
        raise SettingError("name", name, f"the samples are {', '.join(SAMPLES)}.")
    folder = cache_folder() if folder is None else folder
    yield from _fetch(scene, scene.cube, 0, folder, base_url)
    yield from _fetch(scene, scene.reference, scene.cube.size, folder, base_url)
    yield Notice(
        done=scene.size, total=scene.size, text=f"{scene.name}: wavelengths {scene.centres_note}"
    )
    return _open(scene, folder)


def _open(scene: PublishedScene, folder: Path) -> tuple[Cube, LabelMap]:
    """Open the downloaded files, with what the literature knows of them."""
    from napari_ssamamba.data.readers import open_cube
    from napari_ssamamba.data.reference import read_labels

    # The layout was published with the scenes: nobody needs to be asked.
    cube = open_cube(folder / scene.cube.name, layout="rows,columns,bands")
    cube = replace(cube.with_wavelengths(scene.centres), name=scene.name)
    labels = read_labels(folder / scene.reference.name, cube)
    ids = {int(i) for i in np.unique(labels.ids)} | set(scene.classes)
    table = ClassTable.from_ids(ids, scene.classes)
    return cube, replace(labels, classes=table, name=f"{scene.name} reference")


def _fetch(
    scene: PublishedScene, file: RemoteFile, before: int, folder: Path, base_url: str
) -> Generator[Progress, None, None]:
    """Fetch one file in a thread of its own, so that a silent server cannot hold up a cancel.

    `before` are the bytes of the scene that are there already.
    """
    transfer = _Transfer(file, folder, base_url)
    thread = threading.Thread(target=transfer.run, name=f"download {file.name}", daemon=True)
    start = time.monotonic()
    thread.start()
    try:
        while thread.is_alive():
            received = min(transfer.received, file.size)
            rate = received / max(time.monotonic() - start, 1e-6)
            yield Progress(
                done=before + received,
                total=scene.size,
                text=f"Downloading {scene.name}: {file.name}",
                seconds_left=(scene.size - before - received) / rate if received else None,
            )
            thread.join(POLL_SECONDS)
    finally:
        transfer.cancelled.set()
        thread.join(CANCEL_SECONDS)
    if transfer.error is not None:
        raise _explain(transfer.error, scene, file, folder, base_url)


class _CancelledError(Exception):
    """The transfer was cancelled."""


class _TooLargeError(Exception):
    """The server sends more than the file has."""


class _Transfer:
    """One file's way into the folder; serves pooch as its progress bar."""

    def __init__(self, file: RemoteFile, folder: Path, base_url: str) -> None:
        self.file, self.folder, self.base_url = file, folder, base_url
        self.total = 0
        self.received = 0
        self.cancelled = threading.Event()
        self.error: Exception | None = None
        self._responses: list[Response] = []

    def run(self) -> None:
        """Fetch the file; what goes wrong is kept in `error`, for the thread that asks."""
        import pooch

        try:
            source = pooch.create(
                path=self.folder,
                base_url="",
                registry={self.file.name: f"sha256:{self.file.sha256}"},
                urls={self.file.name: self.base_url + self.file.path},
            )
            source.fetch(
                self.file.name,
                downloader=pooch.HTTPDownloader(
                    progressbar=self,
                    chunk_size=CHUNK_BYTES,
                    timeout=TIMEOUT_SECONDS,
                    hooks={"response": lambda response, **_: self._responses.append(response)},
                ),
            )
        except Exception as error:
            self.error = error
        finally:
            # pooch leaves the connection open when a transfer breaks off.
            for response in self._responses:
                response.close()

    def update(self, count: int) -> None:
        """Count bytes that came in, as pooch reports them."""
        self.received += count
        if self.cancelled.is_set():
            raise _CancelledError
        if self.received > self.file.size + CHUNK_BYTES:
            raise _TooLargeError

    def reset(self) -> None:
        """Begin to count anew, as pooch does when the file is complete."""
        self.received = 0

    def close(self) -> None:
        """Do nothing: pooch ends progress bars with this."""


def _explain(
    error: Exception, scene: PublishedScene, file: RemoteFile, folder: Path, base_url: str
) -> Exception:
    """Say what went wrong in the user's words; errors of ours stay what they are."""
    import requests

    url, path = base_url + file.path, folder / file.name
    by_hand = (
        f"Check the network, or get {base_url + scene.cube.path} and "
        f"{base_url + scene.reference.path} elsewhere and put both into {folder}."
    )
    if isinstance(error, requests.RequestException):
        reason = f"{url} could not be fetched: {_reason(error)}."
        if path.exists():
            reason += f" The {path} that is there is another version than the one known."
        explained = DownloadError(f"{reason} {by_hand}")
    elif isinstance(error, _TooLargeError | ValueError):
        explained = DownloadError(
            f"{url} is an unknown version: its checksum or size is not the one known, so nothing "
            "was kept. Try again later; if it stays so, the provider has changed the file: open "
            "your own copy as a file instead."
        )
    elif isinstance(error, OSError):
        explained = DownloadError(
            f"{path} could not be written: {error}. Make room in the folder, or make it writable."
        )
    else:
        return error
    explained.__cause__ = error
    return explained


def _reason(error: Exception) -> str:
    """Tell in a few words why a request failed."""
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return f"the server did not answer within {TIMEOUT_SECONDS:g} s"
    return "there is no connection to the server"
