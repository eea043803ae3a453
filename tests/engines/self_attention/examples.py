"""The contracts are tried on a tiny BERT: it names words, too, and is there where the package of MiniLM is not."""

import atexit
import shutil
import tempfile
from pathlib import Path

from engines.self_attention.ablation.spec import AblationParams
from engines.self_attention.heads.spec import HeadsParams
from engines.self_attention.in_numbers.spec import NumbersParams
from engines.self_attention.language.spec import LanguageParams
from engines.self_attention.similarity.spec import SimilarityParams
from engines.self_attention.words.spec import WordsParams
from tests.app.made_up_language import tiny_bert

FOLDER = Path(tempfile.mkdtemp(prefix="attention-lab-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
MODEL = {"model": str(tiny_bert(FOLDER / "tiny BERT"))}
KINDS = (HeadsParams, NumbersParams, SimilarityParams, WordsParams, AblationParams, LanguageParams)
EXAMPLES = dict.fromkeys(KINDS, MODEL)
