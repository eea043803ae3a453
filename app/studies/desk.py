"""The studies of a window: one of each page, and those that were opened from their folders."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from engines.core.errors import LabError, Message
from engines.studies.book import FILE

if TYPE_CHECKING:
    from app.studies.sheet import StudySheet
    from app.studies.subject import Studied, Subject
    from app.window import Window


class Studies(QObject):
    """Opens them, and ends them with the window. Their plots are imported with the first."""

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.sheets: dict[str, StudySheet] = {}

    def subject_of(self, name: str) -> Subject | None:
        """What a page can have studied as it is set now, by the name of its studies; None without such a page."""
        from app.studies.subject import Subject

        for page, topic, title in self._pages():
            if name == f"{topic}-{page.name()}":
                kind, params, most = page.studied()
                both = Message("{topic}, {page}", {"topic": Message(title), "page": Message(page.title)})
                return Subject(kind, params, name, both, most, page.presets(), page.options())
        return None

    def _pages(self) -> list[tuple[Studied, str, str]]:
        from app.studies.subject import Studied

        tabs = self._window.tabs.values()
        return [(page, tab.topic.name, tab.topic.title) for tab in tabs for page in tab.pages
                if isinstance(page, Studied)]  # fmt: skip

    def of_page(self, page: Studied) -> StudySheet:
        """The study of a page: the one under way, the one that was begun last if it is not done, or a new one."""
        from app.studies.sheet import StudySheet
        from app.studies.subject import newest

        name = next(f"{topic}-{page.name()}" for one, topic, _ in self._pages() if one is page)
        subject = self.subject_of(name)
        assert subject is not None
        sheet = self.sheets.get(name)
        if sheet is None:
            sheet = self.sheets[name] = StudySheet(self._window, subject)
            if (before := newest(name)) is not None:
                sheet.show_folder(before)
        if not sheet.runs and not sheet.left and not subject.is_like(sheet.subject):
            sheet.show_subject(subject)
        return bring(sheet)

    def begin(self, page: object) -> None:
        """Make the runs of a page's study, as its window proposes them."""
        from app.studies.subject import Studied

        if isinstance(page, Studied):
            sheet = self.of_page(page)
            if not sheet.runs:
                sheet.act()

    def made(self, page: object) -> int:
        """How many runs of the study of a page have ended well, as far as its window is there."""
        name = (
            next((f"{topic}-{one.name()}" for one, topic, _ in self._pages() if one is page), "") if self.sheets else ""
        )
        sheet = self.sheets.get(name)
        return sum(one.error is None for one in sheet.results.outcomes.values()) if sheet is not None else 0

    def open(self, path: Path) -> StudySheet | None:
        """The study of a folder, or of the file in it; None where it can't be read, of which the window tells."""
        from app.studies.sheet import StudySheet
        from app.studies.subject import subject_in

        folder = (path.parent if path.name == FILE else path).absolute()
        for sheet in self.sheets.values():
            if sheet.folder == folder:
                return bring(sheet)
        try:
            sheet = StudySheet(self._window, subject_in(folder), folder)
        except LabError as error:
            self._window.complain(error.message, word="Refused")
            return None
        self.sheets[str(folder)] = sheet
        return bring(sheet)

    def forget(self, sheet: StudySheet) -> None:
        """It was closed and nothing runs in it."""
        self.sheets = {name: one for name, one in self.sheets.items() if one is not sheet}

    def close(self) -> None:
        """Nothing runs any more."""
        for sheet in self.sheets.values():
            sheet.end()


def bring(sheet: StudySheet) -> StudySheet:
    """Show it in front."""
    sheet.show()
    sheet.raise_()
    sheet.activateWindow()
    return sheet
