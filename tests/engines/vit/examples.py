"""What the contract of the engines is tried on, where the settings of the first start would take it too long."""

from engines.vit.intervene.spec import AblationParams
from engines.vit.logit_lens.spec import LensParams
from engines.vit.relevance.spec import RelevanceParams
from engines.vit.step_through.spec import StepParams

EXAMPLES = {
    RelevanceParams: {"model": "mini-vit", "points": 4},
    AblationParams: {"model": "mini-vit"},
    StepParams: {"model": "mini-vit"},
    LensParams: {"model": "mini-vit"},
}
