"""All studies of this topic. Imports no torch."""

from engines.vit.ablation_study import study as ablation
from engines.vit.scale_study import study as scale

KINDS = (*scale.KINDS_OF_STUDY, *ablation.KINDS)
