"""What follows from what in the settings that the ViT pages share."""

from __future__ import annotations

from dataclasses import replace

from engines.core.params import for_engine, same_steps, with_selection_of
from engines.vit.events import ModelInfo
from engines.vit.spec import ATTENDED_BY, BY_ENTROPY, LOGIT, PER_HEAD, Layout, ViTParams

COARSE, FINE = Layout(224, 1, 4, 6), Layout(448, 1, 8, 12)
INFO = ModelInfo("mini", "Mini", "vit", 6, 4, 24, 4, (224, 448, 14), ("cat",), 1000)


def changed(params, **fields):
    return replace(params, **fields).following(params)


def test_what_is_only_drawn_asks_nobody():
    params = ViTParams()
    for name, value in (("direction", ATTENDED_BY), ("opacity", 0.1), ("outline", 0.2), ("grid", False),
                        ("scale", PER_HEAD), ("order", BY_ENTROPY), ("effect", LOGIT)):  # fmt: skip
        assert for_engine(replace(params, **{name: value})) == params
        assert not same_steps(params, replace(params, **{name: value}))
    for name, value in (("head", 2), ("target", 3), ("masked_patches", (4,)), ("points", 5), ("hovered", 1)):
        assert for_engine(replace(params, **{name: value})) != params


def test_a_pin_finds_its_place_on_another_grid():
    params = ViTParams(layout=COARSE, pinned=1 + 1 * 6 + 4, masked_patches=(3,))
    dragged = changed(changed(params, resolution=336), resolution=448)
    assert (dragged.pinned, dragged.masked_patches) == (None, ())  # tokens of the new grid are others
    assert changed(dragged, layout=Layout(336, 1, 6, 9)).pinned is None  # of a resolution on the way
    there = changed(dragged, layout=FINE)
    assert there.pinned == 1 + 3 * 12 + 9
    assert there.pinned_place is None
    back = with_selection_of(there, params)
    assert back.following(there).pinned == params.pinned  # an undo brings the pin itself
    assert changed(changed(params, pinned=0), resolution=448).pinned_place is None  # the class token has no place


def test_a_pin_that_is_set_meanwhile_stays():
    params = ViTParams(layout=COARSE, pinned=5)
    set_anew = changed(changed(params, resolution=448), pinned=7)
    assert changed(set_anew, layout=FINE).pinned == 7


def test_numbers_keep_within_the_model_that_answered():
    params = ViTParams(layer=20, head=9, start_layer=9, resolution=518)
    within = changed(params, answered_by=INFO)
    assert (within.layer, within.head, within.start_layer, within.resolution) == (6, 4, 6, 448)
    other = changed(within, model="other", layer=20)  # nobody knows yet what that one has
    assert other.layer == 20


def test_each_head_and_the_mask_count_as_changes_and_the_scope_does_not():
    params = ViTParams(temperature=2.0, heads_off=((1, 1), (2, 3)), masked_patches=(4, 5), scope="Whole layer")
    assert params.changes() == 4
    assert params.untouched() == ViTParams()
    assert ViTParams(scope="Whole layer").changes() == 0
