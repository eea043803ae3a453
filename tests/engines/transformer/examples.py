"""The contracts try the page Why on a tiny BERT, which is there where the package of MiniLM is not."""

import atexit
import shutil
import tempfile
from pathlib import Path

from engines.transformer.spec import TransformerParams
from engines.transformer.why.spec import WhyParams
from tests.app.made_up_language import tiny_bert

FOLDER = Path(tempfile.mkdtemp(prefix="attention-lab-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
MODEL = {"why_language": str(tiny_bert(FOLDER / "tiny BERT"))}
EXAMPLES = dict.fromkeys((WhyParams, TransformerParams), MODEL)
