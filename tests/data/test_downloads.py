"""Downloads, from a server on this machine: progress, cancel, wrong versions, no network."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from functools import partial
from http.server import BaseHTTPRequestHandler, SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from napari_ssamamba.data import downloads
from napari_ssamamba.data.downloads import SAMPLES, download_sample
from napari_ssamamba.data.published_scenes import PublishedScene, RemoteFile
from napari_ssamamba.errors import DownloadError, SettingError
from napari_ssamamba.events import Notice, result_of

ROWS, COLUMNS, BANDS = 40, 50, 30


@pytest.fixture(autouse=True)
def direct(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A made-up scene among the samples, its files in a folder to be served."""
    from scipy.io import savemat

    rng = np.random.default_rng(0)
    ids = np.zeros((ROWS, COLUMNS), np.uint8)
    ids[5:20, 5:30], ids[25:, 10:] = 3, 7
    site = tmp_path / "site"
    (site / "a").mkdir(parents=True)
    files = []
    for name, values in (
        ("tiny.mat", rng.integers(0, 9999, (ROWS, COLUMNS, BANDS)).astype(np.int16)),
        ("tiny_gt.mat", ids),
    ):
        buffer = io.BytesIO()
        savemat(buffer, {name.removesuffix(".mat"): values})
        (site / "a" / name).write_bytes(buffer.getvalue())
        sha256 = hashlib.sha256(buffer.getvalue()).hexdigest()
        files.append(RemoteFile(f"a/{name}", len(buffer.getvalue()), sha256))
    centres = tuple(np.linspace(400, 900, BANDS))
    scene = PublishedScene("Tiny", "none", *files, centres, "nominal", {3: "Beet", 7: "Oats"})
    monkeypatch.setitem(SAMPLES, "Tiny", scene)
    return site


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


class Server(ThreadingHTTPServer):
    def handle_error(self, request, client_address):
        """Say nothing of clients that break off, which is what is tested."""


class Dripping(BaseHTTPRequestHandler):
    """Sends some of the file, and then nothing until the test ends."""

    ended = threading.Event()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "100000")
        self.end_headers()
        self.wfile.write(b"x" * 70_000)
        self.ended.wait(20)

    def log_message(self, *args):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(handler):
        server = Server(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_address[1]}/"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_sample_arrives_with_names_and_wavelengths(tiny, serve, tmp_path):
    url = serve(partial(Quiet, directory=tiny))
    cache = tmp_path / "cache"
    events = []
    cube, reference = result_of(download_sample("Tiny", folder=cache, base_url=url), events.append)
    assert cube.shape == (ROWS, COLUMNS, BANDS) and cube.name == "Tiny" and not cube.synthetic
    assert cube.wavelengths[[0, -1]].tolist() == [400, 900]
    assert reference.classes.names == ("Beet", "Oats")
    assert reference.counts() == {3: 375, 7: 600}
    assert events[-1].fraction == 1
    assert isinstance(events[-1], Notice) and "nominal" in events[-1].text
    done = [e.done for e in events]
    assert done == sorted(done)
    assert sorted(p.name for p in cache.iterdir()) == ["tiny.mat", "tiny_gt.mat"]


def test_a_fetched_sample_needs_no_network(tiny, serve, tmp_path):
    url = serve(partial(Quiet, directory=tiny))
    result_of(download_sample("Tiny", folder=tmp_path, base_url=url))
    cube, _ = result_of(download_sample("Tiny", folder=tmp_path, base_url="http://127.0.0.1:9/"))
    assert cube.bands == BANDS


def test_cancelling_acts_at_once_and_leaves_nothing(tiny, serve, tmp_path):
    Dripping.ended.clear()
    cache = tmp_path / "cache"
    work = download_sample("Tiny", folder=cache, base_url=serve(Dripping))
    while not next(work).done:
        pass
    assert list(cache.iterdir())  # it is under way
    start = time.monotonic()
    work.close()
    assert time.monotonic() - start < 2
    Dripping.ended.set()
    for thread in threading.enumerate():
        if thread.name.startswith("download"):
            thread.join(5)
            assert not thread.is_alive()
    assert list(cache.iterdir()) == []


def test_another_version_is_refused_and_not_kept(tiny, serve, tmp_path):
    (tiny / "a" / "tiny.mat").write_bytes(b"changed" * 1000)
    url = serve(partial(Quiet, directory=tiny))
    with pytest.raises(
        DownloadError, match=r"tiny\.mat is an unknown version: .* nothing was kept"
    ):
        result_of(download_sample("Tiny", folder=tmp_path / "cache", base_url=url))
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_server_that_sends_too_much_is_stopped(tiny, serve, tmp_path):
    (tiny / "a" / "tiny_gt.mat").write_bytes(bytes(5_000_000))
    url = serve(partial(Quiet, directory=tiny))
    work = download_sample("Tiny", folder=tmp_path / "cache", base_url=url)
    with pytest.raises(DownloadError, match=r"tiny_gt\.mat is an unknown version"):
        result_of(work)
    assert [p.name for p in (tmp_path / "cache").iterdir()] == ["tiny.mat"]


def test_without_a_network_the_message_says_where_files_go_by_hand(tiny, tmp_path):
    with pytest.raises(DownloadError, match="no connection") as caught:
        result_of(download_sample("Tiny", folder=tmp_path, base_url="http://127.0.0.1:9/"))
    for part in ("http://127.0.0.1:9/a/tiny.mat", "a/tiny_gt.mat", str(tmp_path)):
        assert part in str(caught.value)


def test_a_missing_page_is_told_from_a_missing_network(tiny, serve, tmp_path):
    (tiny / "a" / "tiny.mat").unlink()
    url = serve(partial(Quiet, directory=tiny))
    with pytest.raises(DownloadError, match="the server answered 404"):
        result_of(download_sample("Tiny", folder=tmp_path, base_url=url))


def test_a_wrong_file_put_there_by_hand_is_named_and_left(tiny, tmp_path):
    (tmp_path / "tiny.mat").write_bytes(b"mine")
    with pytest.raises(DownloadError, match="another version than the one known"):
        result_of(download_sample("Tiny", folder=tmp_path, base_url="http://127.0.0.1:9/"))
    assert (tmp_path / "tiny.mat").read_bytes() == b"mine"


def test_a_folder_that_cannot_be_made_is_named(tiny, serve, tmp_path):
    (tmp_path / "file").touch()
    url = serve(partial(Quiet, directory=tiny))
    with pytest.raises(DownloadError, match="could not be written"):
        result_of(download_sample("Tiny", folder=tmp_path / "file" / "cache", base_url=url))


def test_unknown_samples_are_refused_with_those_there_are():
    with pytest.raises(SettingError, match="Salinas-A, Indian Pines"):
        next(download_sample("Atlantis"))


def test_salinas_a_as_published(shared_data, serve, tmp_path):
    scene = SAMPLES["Salinas-A"]
    for file in (scene.cube, scene.reference):
        target = tmp_path / "site" / file.path
        target.parent.mkdir(parents=True)
        target.write_bytes((shared_data / "salinas_a" / file.name).read_bytes())
    url = serve(partial(Quiet, directory=tmp_path / "site"))
    cube, reference = result_of(
        download_sample("Salinas-A", folder=tmp_path / "cache", base_url=url)
    )
    assert cube.shape == (83, 86, 204)
    assert reference.classes.ids == (1, 10, 11, 12, 13, 14)
    assert reference.classes[12].name == "Lettuce_romaine_5wk"
    assert sum(reference.counts().values()) == 5348


def test_class_tables_fit_the_published_references(shared_data):
    from scipy.io import loadmat

    folder = shared_data / "label_maps_only"
    references = {
        "Pavia University": folder / "PaviaU_gt.mat",
        "Salinas": folder / "Salinas_gt.mat",
        "KSC": folder / "KSC_gt.mat",
        "Botswana": folder / "Botswana_gt.mat",
        "Indian Pines": shared_data / "indian_pines_partial" / "Indian_pines_gt.mat",
    }
    for name, path in references.items():
        scene = SAMPLES[name]
        assert path.stat().st_size == scene.reference.size
        assert hashlib.sha256(path.read_bytes()).hexdigest() == scene.reference.sha256
        ids = next(v for k, v in loadmat(path).items() if not k.startswith("__"))
        assert set(np.unique(ids)) - {0} == set(scene.classes), name


@pytest.mark.parametrize(
    ("name", "bands"),
    [
        ("Salinas-A", 204),
        ("Salinas", 204),
        ("Indian Pines", 200),
        ("Pavia University", 103),
        ("Botswana", 145),
    ],
)
def test_nominal_wavelengths_have_one_centre_a_band(name, bands):
    scene = SAMPLES[name]
    assert len(scene.centres) == bands
    assert (np.diff(scene.centres) > 0).sum() >= bands - 2  # Hyperion's detectors overlap
    assert "nominal" in scene.centres_note


def test_the_cache_is_the_users_own_or_a_chosen_folder(tmp_path, monkeypatch):
    monkeypatch.delenv(downloads.CACHE, raising=False)
    assert "napari-ssamamba" in str(downloads.cache_folder())
    monkeypatch.setenv(downloads.CACHE, str(tmp_path))
    assert downloads.cache_folder() == tmp_path
