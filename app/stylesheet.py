"""The style sheet, written from tokens. A widget's role is its dynamic property ``kind``."""

from __future__ import annotations

from collections.abc import Mapping


def sheet(c: Mapping[str, str]) -> str:
    """The application's style sheet for one set of tokens (name -> ``#RRGGBB``)."""
    return f"""
    QWidget {{ color:{c["text"]}; }}
    QMainWindow, QDialog, *[kind="window"] {{ background:{c["window"]}; }}
    *[kind="side"], *[kind="head"], *[kind="dock"], *[kind="lesson"], *[kind="status"]
        {{ background:{c["surface"]}; border:0 solid {c["border"]}; }}
    *[kind="side"] {{ border-right-width:1px; }} *[kind="head"] {{ border-bottom-width:1px; }}
    *[kind="dock"], *[kind="lesson"] {{ border-left-width:1px; }} *[kind="status"] {{ border-top-width:1px; }}
    *[kind="strip"] {{ background:{c["surface"]}; border:0 solid {c["border"]}; border-bottom-width:1px;
        padding:0 10px; }}
    *[kind="found"] {{ background:{c["surface"]}; border:1px solid {c["border"]}; border-radius:5px; }}
    *[kind="found"]::item {{ padding:5px 8px; }}
    *[kind="found"]::item:selected {{ background:{c["accent_soft"]}; color:{c["text"]}; }}
    *[kind="strip"]::item {{ border:2px solid transparent; border-radius:4px; }}
    *[kind="strip"]::item:selected {{ border-color:{c["accent"]}; background:{c["accent_soft"]}; }}
    *[kind="card"] {{ background:{c["surface"]}; border:1px solid {c["border"]}; border-radius:8px; }}
    *[kind="error"] {{ background:{c["surface"]}; border:0 solid {c["danger"]}; border-bottom-width:2px; }}
    *[kind="warning"] {{ background:{c["surface"]}; border:0 solid {c["warn"]}; border-bottom-width:2px; }}
    QLabel[kind="quiet"] {{ color:{c["text2"]}; }} QLabel[kind="accent"] {{ color:{c["accent"]}; }}
    QLabel[kind="warn"] {{ color:{c["warn"]}; }} QLabel[kind="danger"] {{ color:{c["danger"]}; }}
    QLabel[kind="ok"] {{ color:{c["ok"]}; }} QLabel[kind="truth"] {{ color:{c["truth"]}; }}
    QLabel[kind="pred"] {{ color:{c["pred"]}; }}
    *[kind="rule"] {{ background:{c["border"]}; }}
    QToolButton, QPushButton {{ background:transparent; border:1px solid transparent; border-radius:4px;
        padding:0 7px; min-height:26px; }}
    QToolButton:hover, QPushButton:hover {{ background:{c["sunken"]}; border-color:{c["border"]}; }}
    QToolButton:disabled, QPushButton:disabled {{ color:{c["control"]}; }}
    QToolButton:focus, QPushButton:focus, QLineEdit:focus, QPlainTextEdit:focus
        {{ border:2px solid {c["accent"]}; padding:0 6px; }}
    QToolButton::menu-indicator {{ image:none; width:0; }}
    *[kind="boxed"] {{ background:{c["surface"]}; border-color:{c["border"]}; }}
    *[kind="primary"] {{ background:{c["accent"]}; color:{c["on_accent"]}; border-color:{c["accent"]};
        border-radius:16px; padding:0 14px; min-height:30px; }}
    *[kind="primary"]:hover {{ background:{c["accent"]}; border-color:{c["text"]}; }}
    *[kind="primary"]:focus {{ border:2px solid {c["text"]}; padding:0 13px; }}
    QScrollArea, QScrollArea > QWidget > *[kind="scroll"] {{ background:transparent; border:0; }}
    QAbstractScrollArea::corner {{ background:transparent; border:0; }}
    QScrollBar:vertical {{ background:transparent; width:8px; margin:0; }}
    QScrollBar:horizontal {{ background:transparent; height:8px; margin:0; }}
    QScrollBar::handle {{ background:{c["control"]}; border-radius:3px; margin:1px; }}
    QScrollBar::handle:vertical {{ min-height:32px; }} QScrollBar::handle:horizontal {{ min-width:32px; }}
    QScrollBar::add-line, QScrollBar::sub-line {{ width:0; height:0; }}
    QScrollBar::add-page, QScrollBar::sub-page {{ background:none; }}
    *[kind="section"] {{ border:0; padding:0; min-height:0; }}
    *[kind="topic"] {{ text-align:left; padding:0 8px; min-height:26px; }}
    *[kind="topic"]:checked {{ background:{c["accent_soft"]}; color:{c["accent"]}; }}
    *[kind="page"] {{ border:0; border-bottom:2px solid transparent; border-radius:0; color:{c["text2"]};
        padding:0 2px; margin:0 8px; min-height:51px; }}
    *[kind="page"]:hover {{ background:transparent; color:{c["text"]}; }}
    *[kind="page"]:checked {{ color:{c["text"]}; border-bottom-color:{c["accent"]}; }}
    *[kind="page"]:focus {{ border:2px solid {c["accent"]}; border-radius:4px; padding:0; }}
    *[kind="segments"] {{ background:{c["sunken"]}; border:1px solid {c["border"]}; border-radius:5px; }}
    *[kind="segment"] {{ color:{c["text2"]}; min-height:22px; padding:0 7px; margin:1px; }}
    *[kind="segment"]:focus {{ padding:0 6px; }}
    *[kind="segment"]:checked {{ background:{c["accent_soft"]}; color:{c["accent"]}; }}
    *[kind="chip"] {{ border:1px dashed {c["control"]}; min-height:22px; padding:0; color:{c["text2"]}; }}
    *[kind="chip"]:checked {{ background:{c["accent_soft"]}; border:1px solid transparent; color:{c["accent"]}; }}
    *[kind="chip"]:focus {{ border:2px solid {c["accent"]}; min-height:20px; padding:0; }}
    QLineEdit, QPlainTextEdit {{ background:{c["sunken"]}; border:1px solid {c["border"]}; border-radius:4px;
        padding:0 7px; selection-background-color:{c["accent"]}; selection-color:{c["on_accent"]}; }}
    QLineEdit {{ min-height:22px; }} QLineEdit:disabled {{ color:{c["control"]}; }}
    QLineEdit[kind="bad"] {{ border:2px solid {c["danger"]}; padding:0 6px; }}
    QProgressBar {{ background:{c["sunken"]}; border:1px solid {c["border"]}; border-radius:4px; max-height:6px; }}
    QProgressBar::chunk {{ background:{c["accent"]}; border-radius:3px; }}
    QMenu {{ background:{c["surface"]}; border:1px solid {c["border"]}; padding:4px; }}
    QMenu::item {{ padding:5px 24px 5px 12px; border-radius:4px; }}
    QMenu::item:selected {{ background:{c["accent_soft"]}; color:{c["accent"]}; }}
    QMenu::item:disabled {{ color:{c["control"]}; }}
    QMenu::separator {{ height:1px; background:{c["border"]}; margin:4px 8px; }}
    QTableView {{ background:{c["surface"]}; border:0; gridline-color:{c["border"]};
        selection-background-color:{c["accent_soft"]}; selection-color:{c["text"]}; }}
    QHeaderView, QTableCornerButton::section {{ background:{c["surface"]}; border:0; }}
    QHeaderView::section {{ background:{c["surface"]}; color:{c["text2"]}; border:0;
        border-bottom:1px solid {c["border"]}; padding:0 6px; min-height:24px; }}
    QHeaderView::section:hover {{ color:{c["text"]}; }}
    QToolTip {{ background:{c["text"]}; color:{c["surface"]}; border:0; padding:4px 8px; }}"""
