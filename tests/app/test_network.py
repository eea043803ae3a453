"""Address, token, proxy and downloaded models as set in the window, against the hub on this machine."""

from __future__ import annotations

import ast
import os
import stat
import sys
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel

from app import diagnostics, export, networksheet, words
from app.downloads import Download
from app.network import Network
from app.networksheet import CHINA, OTHER, OWN, NetworkSheet
from app.settings import Settings
from app.sheet import bring_or_open
from app.views.mosaic import Mosaic
from engines.checkpoints import advice, hub, reach, shelf
from engines.checkpoints.reach import MIRROR, Reach
from engines.core.errors import LabError, Message
from tests.hub_server import NAME, WEIGHTS, clean_environment, serving

SECRET = "a-secret-of-anna"
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def clean(monkeypatch, tmp_path):
    clean_environment(monkeypatch, tmp_path)
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "shared"))  # so that what a test sets is taken back
    monkeypatch.setattr(reach, "desktop_proxies", dict)


@pytest.fixture
def server(no_thread_left, clean, monkeypatch):
    with serving(monkeypatch) as made:
        address = os.environ["HF_ENDPOINT"].rstrip("/")
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # only what was set in the window leads there
        made.address = address
        yield made


@pytest.fixture
def window(open_window):
    made = open_window()
    made.show_topic("scoring")
    return made


@pytest.fixture
def sheet(window, qtbot):
    made = bring_or_open(window, NetworkSheet)
    qtbot.waitUntil(lambda: "models" in made.total.text())
    return made


# ------------------------------------------------------------------ fetching
def test_address_and_token_of_the_window_are_used(server, own_home, qtbot):
    server.token = SECRET
    network = Network(Settings.load())
    network.set_address(server.address + "/")
    network.set_token(SECRET)
    folder = hub.download(NAME, reach=network.reach())
    assert folder == hub.cached(NAME)
    again = Settings.load()  # the settings file has not been written: the address is not there, the token is
    assert Network(again).token == SECRET
    assert again.hub == ""
    network._settings.save()
    assert Settings.load().hub == server.address


def test_the_folder_of_the_window_is_used(server, tmp_path):
    network = Network(Settings(None))
    network.set_address(server.address)
    network.set_cache(str(tmp_path / "other"))
    folder = hub.download(NAME, reach=network.reach())
    assert folder.is_relative_to(tmp_path / "other")
    network.set_cache("")
    assert hub.cache_folder() == tmp_path / "shared"
    assert hub.cached(NAME) is None


def test_a_damaged_setting_is_passed_over(own_home):
    (own_home / "settings.json").write_text('{"hub": "file:///etc", "cache": "here"}')
    assert (Settings.load().hub, Settings.load().cache) == ("", "")


@pytest.mark.parametrize(
    ("text", "good"),
    [("https://hf-mirror.com", True), ("http://127.0.0.1:80", True), ("hf-mirror.com", False), ("https://", False),
     ("https:// x", False), ("", False)],
)  # fmt: skip
def test_what_an_address_is(text, good):
    assert reach.is_address(text) is good


# ------------------------------------------------------------------ the token
def test_the_token_is_kept_for_its_owner_alone(own_home):
    network = Network(Settings.load())
    network.set_token(f" {SECRET}\n")
    place = own_home / "token"
    assert place.read_text() == SECRET
    if sys.platform != "win32":
        assert stat.S_IMODE(place.stat().st_mode) == 0o600
    network.set_token("")
    assert not place.exists()
    assert Network(Settings.load()).token == ""


def test_the_token_is_in_no_settings_diagnostics_export_or_log(server, window, own_home, qtbot, capsys, tmp_path):
    network = window.intake.network
    network.set_token(SECRET)
    network.set_address(server.address)
    server.status["main"] = [418]
    window.download(NAME)
    qtbot.waitUntil(lambda: not window.intake.downloading)
    try:
        raise LookupError(f"bearer is {SECRET}")
    except LookupError as error:
        diagnostics.remember(repr(error))
    window.tools.copy_diagnostics()
    window.keep_everything()
    view = Mosaic()
    view.setParent(window)
    export.save(view, tmp_path / "view.npz")
    export.save(view, tmp_path / "view.svg")
    told = capsys.readouterr()
    texts = [QGuiApplication.clipboard().text(), (own_home / "settings.json").read_text(), told.out, told.err]
    texts += [(tmp_path / name).read_bytes().decode("latin1") for name in ("view.npz", "view.svg")]
    texts += [repr(network.reach())]
    assert "<token>" in texts[0]
    assert not [text for text in texts if SECRET in text]


def test_details_of_a_download_hold_no_token(monkeypatch, qtbot, own_home):
    Network(Settings.load()).set_token(SECRET)

    def fail(*_: object) -> None:
        raise RuntimeError(f"Authorization: Bearer {SECRET}")

    monkeypatch.setattr(hub, "download", fail)
    job = Download(NAME)
    with qtbot.waitSignal(job.failed):
        job.start()
    assert "RuntimeError" in job.details
    assert SECRET not in job.details
    job.close()


# ------------------------------------------------------------------ the proxy
def settings_of_a_desktop(folder: Path, monkeypatch, mode: str) -> None:
    """Puts a ``gsettings`` first that says so."""
    script = folder / "gsettings"
    script.write_text(f"""#!/bin/sh
case "$2 $3" in
*"proxy mode") echo "'{mode}'";;
*"https host") echo "'proxy.example'";;
*"https port") echo 3128;;
*"ignore-hosts") echo "['localhost', '10.0.0.0/8']";;
*) echo "''";;
esac
""")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="GNOME's way to name a proxy")
def test_the_proxy_of_the_desktop_goes_with_a_download(monkeypatch, tmp_path):
    monkeypatch.undo()
    clean_environment(monkeypatch, tmp_path)
    settings_of_a_desktop(tmp_path, monkeypatch, "manual")
    assert Reach().environment() == {"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "localhost,10.0.0.0/8"}
    assert reach.proxy() == "http://proxy.example:3128"
    monkeypatch.setenv("HTTPS_PROXY", "http://anna:secret@other.example:1")
    assert Reach().environment() == {}  # it has been named already
    assert reach.proxy() == "http://other.example:1"
    monkeypatch.delenv("HTTPS_PROXY")
    settings_of_a_desktop(tmp_path, monkeypatch, "none")
    assert (Reach().environment(), reach.proxy()) == ({}, "")


# ------------------------------------------------------------------ what was downloaded
def test_models_are_listed_with_their_size_and_removed(server, tmp_path):
    assert shelf.kept() == []
    hub.download(NAME, reach=Reach(server.address))
    (tmp_path / "shared" / "datasets--some--data").mkdir()
    (one,) = shelf.kept()
    assert one.name == NAME
    assert len(WEIGHTS) < one.size < 2 * len(WEIGHTS)  # once, though a snapshot links to it
    shelf.remove(NAME)
    assert (shelf.kept(), hub.cached(NAME)) == ([], None)
    shelf.remove(NAME)  # another program was quicker
    with pytest.raises(LabError, match="not a hub id"):
        shelf.remove("../..")


def test_what_cannot_be_removed_is_said(server, monkeypatch):
    hub.download(NAME, reach=Reach(server.address))

    def refuse(_place: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shelf.shutil, "rmtree", refuse)
    with pytest.raises(LabError, match="can't be removed"):
        shelf.remove(NAME)


def test_the_sheet_lists_and_removes(server, window, qtbot):
    hub.download(NAME, reach=Reach(server.address))
    sheet = bring_or_open(window, NetworkSheet)
    qtbot.waitUntil(lambda: sheet.total.text().startswith("1 model, 1 MB"))
    assert NAME in [part.text() for part in sheet.findChildren(QLabel)]
    sheet.remove(NAME)
    qtbot.waitUntil(lambda: sheet.total.text().startswith("0 models"))
    assert hub.cached(NAME) is None


# ------------------------------------------------------------------ the sheet
def test_the_sheet_sets_hub_token_and_folder(sheet, window, qtbot, tmp_path):
    settings, network = window.settings, window.intake.network
    assert (sheet.hubs.at(), network.address) == (OWN, "")
    sheet._choose_hub(CHINA)
    assert settings.hub == MIRROR == "https://hf-mirror.com"
    sheet.hubs.set_at(OTHER)
    sheet._choose_hub(OTHER)
    sheet.address.setText("ftp://somewhere")
    sheet.address.editingFinished.emit()
    assert "not a web address" in sheet.refusal.text()
    assert settings.hub != "ftp://somewhere"
    sheet.address.setText("http://mirror.example/")
    sheet.address.editingFinished.emit()
    assert not sheet.refusal.isVisible()
    assert settings.hub == "http://mirror.example"
    sheet._use(str(tmp_path / "models"))
    assert hub.cache_folder() == tmp_path / "models"
    sheet.token.setText(SECRET)
    assert sheet.token.displayText() != SECRET
    sheet.close()  # what was typed counts
    assert network.token == SECRET
    again = bring_or_open(window, NetworkSheet)
    assert (again.hubs.at(), again.address.text()) == (OTHER, "http://mirror.example")
    assert again.folder.text() == str(tmp_path / "models")


def test_the_sheet_says_all_in_chinese(window, qtbot):
    words.forget_missing()
    window.use_language("zh")
    sheet = bring_or_open(window, NetworkSheet)
    qtbot.waitUntil(lambda: "0 个模型" in sheet.total.text())
    qtbot.waitUntil(lambda: sheet.proxy.text() == "系统未设置代理。")
    for refusal in advice.LOOK_AT:
        words.tr(refusal)
    for message in (advice.ADDRESS, advice.PROXY, advice.TOKEN, advice.CACHE):
        words.tr(message)
    assert not words.missing()


def test_the_sheet_opens_before_the_cache_has_been_looked_through(window, monkeypatch, qtbot):
    import threading

    gate = threading.Event()
    monkeypatch.setattr(networksheet.shelf, "kept", lambda: gate.wait(60) and [])
    sheet = bring_or_open(window, NetworkSheet)
    QApplication.processEvents()
    assert sheet.total.text() == "Scanning the folder"
    gate.set()
    qtbot.waitUntil(lambda: sheet.total.text() == "0 models, 0 MB")


# ------------------------------------------------------------------ what to look at
def test_a_failed_download_says_what_to_look_at_and_offers_it(window, qtbot, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    window.download(NAME)
    qtbot.waitUntil(lambda: window.tab.error.isVisible())
    said = window.tab.error.reason()
    assert "no network" in said
    assert "check the address of the hub and the proxy" in said
    assert "or drop a folder with the model on the window" in said
    window.tab.error._also.click()
    qtbot.waitUntil(lambda: bool(window.findChildren(NetworkSheet)))
    assert window.tab.error.isVisible()
    window.tab.complain("something else")
    assert not window.tab.error._also.isVisible()


@pytest.mark.parametrize(
    ("refusal", "told"),
    [
        (("{name}: needs {need} MB, and only {free} MB are free in {folder}."), "the folder of the cache"),
        (("{name}: the proxy can't be used ({reason})."), "check the proxy"),
        (("{name}: offers no safetensors."), "Or drop a folder"),
    ],
)
def test_what_to_look_at_fits_the_refusal(refusal, told):
    values = dict.fromkeys(("name", "need", "free", "folder", "reason"), "x")
    assert told in words.tr(advice.advised(Message(refusal, values)))


def test_every_refusal_that_is_advised_on_is_still_said():
    said = set()
    for name in ("hub", "failures", "fetch"):
        tree = ast.parse((ROOT / f"engines/checkpoints/{name}.py").read_text("utf-8"))
        said |= {
            node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
    assert set(advice.LOOK_AT) <= said
