"""Keys of configurations that change nothing of what is computed here; any other one that is not read is refused.

A key that is dropped without a word may change the picture that a model sees or the network that it is. What stands
here does neither: names, training, losses, what is handed back. Sources: transformers 4.20 to 5.24, DetrConfig,
ViTConfig, DeiTConfig, Dinov2Config, ResNetConfig and their image processors.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engines.checkpoints.layout import CONFIG
from engines.checkpoints.sizes import shown
from engines.core.errors import LabError

_ANY = """
_name_or_path _commit_hash _attn_implementation _attn_implementation_autoset _experts_implementation
attn_implementation architectures auto_map dtype torch_dtype transformers_version tf_legacy_loss use_bfloat16
torchscript use_cache return_dict output_attentions output_hidden_states chunk_size_feed_forward finetuning_task
problem_type id2label label2id num_labels model_type is_encoder_decoder is_decoder cross_attention_hidden_size
add_cross_attention tie_encoder_decoder tie_word_embeddings pruned_heads custom_pipelines license tokenizer_class
prefix bos_token_id pad_token_id eos_token_id sep_token_id decoder_start_token_id task_specific_params
gradient_checkpointing initializer_range init_std init_xavier_std dropout attention_dropout activation_dropout
classifier_dropout hidden_dropout_prob attention_probs_dropout_prob drop_path_rate encoder_layerdrop decoder_layerdrop
layerscale_value max_length min_length do_sample early_stopping num_beams num_beam_groups diversity_penalty temperature
top_k top_p typical_p repetition_penalty length_penalty no_repeat_ngram_size encoder_no_repeat_ngram_size bad_words_ids
num_return_sequences output_scores return_dict_in_generate forced_bos_token_id forced_eos_token_id remove_invalid_values
exponential_decay_length_penalty suppress_tokens begin_suppress_tokens loss_type
"""
OF_ANY = frozenset(_ANY.split())  #: of a model of any kind
_RESNET = "out_features out_indices stage_names features_only freeze_batch_norm_2d use_pretrained_backbone"
OF_RESNET = frozenset(_RESNET.split())  #: of a backbone
_PROCESSOR = """
image_processor_type feature_extractor_type processor_class auto_map format do_convert_annotations do_convert_rgb
do_pad pad_and_return_pixel_mask default_to_square return_tensors input_data_format data_format device backend
disable_grouping _valid_processor_keys image_seq_length image_mean image_std size max_size crop_pct model_input_names
"""
OF_PROCESSOR = frozenset(_PROCESSOR.split())  #: of an image processor


def check_keys(config: Mapping[str, Any], known: Collection[str], name: str, file: str = CONFIG) -> None:
    """Refuse a configuration with a key that is neither read nor harmless.

    Parameters
    ----------
    config : mapping
    known : collection of str
        Keys that are looked at, and those that change nothing.
    name, file : str
        What to call it.

    Raises
    ------
    LabError
        Naming the key and its value; one that is null says nothing.
    """
    for key, value in config.items():
        if value is not None and key not in known:
            raise LabError(
                "{name}: {key} in {file} is {value}, which is not known here and may change what the model computes.",
                name=name, key=shown(key), file=file, value=shown(value),
            )  # fmt: skip


def check_only(config: Mapping[str, Any], only: Mapping[str, object], name: str, file: str = CONFIG) -> None:
    """Refuse a configuration that says something else for a key than what is computed here.

    Raises
    ------
    LabError
        Naming the key and its value; one that is missing or null says nothing.
    """
    for key, wanted in only.items():
        value = config.get(key)
        if value is not None and value != wanted:
            raise LabError(
                "{name}: {key} in {file} is {value}, which is not computed here ({wanted} is).",
                name=name, key=key, file=file, value=shown(value), wanted=shown(wanted),
            )  # fmt: skip
