"""The settings of one page as text, to be pasted elsewhere: the JSON of a session, with its arrays in it.

Only what differs from the first start stands there. A picture is named by the hash of its pixels; it is shown where it
is bundled, or known to the window that the text is pasted into.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from app.session.content import Content, Hashes, Photo, told
from app.session.file import DAMAGE, Packed, array_of, as_npy, refused
from app.session.values import Parts
from engines.core import limits
from engines.core.errors import LabError, Message
from engines.core.params import Params
from engines.core.pictures import Picture

BEGINS = '{"attention-lab": '
NAME = "Pasted settings"


def written(content: Content, plain: Params, photo: Callable[[Picture], Photo]) -> str:
    """The text of a page.

    Parameters
    ----------
    content : Content
        With its settings alone.
    plain : Params
        Those of the first start.
    photo : callable
        What is told of a picture.
    """
    said, parts = told(content, Hashes(), photo, plain)
    photos = {sha256: {**one, "file": ""} for sha256, one in said["photos"].items()}
    arrays = [base64.b64encode(as_npy(array)).decode() for array in parts.arrays]
    return json.dumps({"attention-lab": "settings", **said, "photos": photos, "arrays": arrays}, ensure_ascii=False)


def is_one(text: str) -> bool:
    """Whether a text means to be settings."""
    return text.lstrip().startswith(BEGINS)


def read(text: str) -> Packed:
    """What a text holds.

    Raises
    ------
    LabError
        Saying why it is none.
    """
    if len(text) > limits.SESSION_TEXT:
        raise refused(Message(NAME), "it is too long")
    try:
        said = json.loads(text)
        arrays = [array_of(base64.b64decode(one, validate=True), NAME, Message(NAME)) for one in said.pop("arrays", [])]
    except LabError:
        raise
    except RecursionError as error:
        raise refused(Message(NAME), "its settings are nested too deep") from error
    except (*DAMAGE, AttributeError) as error:
        raise refused(Message(NAME), Message("it is damaged ({reason})", {"reason": type(error).__name__})) from error
    return Packed(said, Parts(arrays), {})
