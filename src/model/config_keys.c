// SPDX-License-Identifier: Apache-2.0
// What each key of config.json means here: those of every decoder, and those of each family. Keys of other
// models that would change the result stand here too, so that a config which borrows one is refused by name.
#include "model/config.h"

static const nf_key common[] = {
    // which model
    {"model_type architectures dtype torch_dtype quantization_config compression_config", NF_KEY_USED},
    // sizes
    {"num_hidden_layers hidden_size vocab_size intermediate_size num_attention_heads num_key_value_heads "
     "head_dim max_position_embeddings rms_norm_eps attention_bias tie_word_embeddings layer_types "
     "eos_token_id",
     NF_KEY_USED},
    // rope
    {"rope_theta rope_scaling rope_parameters partial_rotary_factor original_max_position_embeddings",
     NF_KEY_USED},
    {"rope_interleave*", NF_KEY_CHANGES, "false"},
    {"rope_local_base_freq", NF_KEY_CHANGES},
    {"rotary_*", NF_KEY_CHANGES}, // rotary_dim, rotary_pct, rotary_emb_base
    {"no_rope_layer*", NF_KEY_CHANGES, "[] 0"},
    {"use_mrope", NF_KEY_HARMLESS}, // of pictures; text has one position
    // activations, biases, norms
    {"hidden_act hidden_activation", NF_KEY_CHANGES, "silu swish"},
    {"mlp_bias use_bias qkv_bias lm_head_bias attention_out_bias qk_layernorm "
     "apply_residual_connection_post_layernorm parallel_attn use_parallel_residual",
     NF_KEY_CHANGES, "false"},
    {"norm_type", NF_KEY_CHANGES, "rmsnorm rms_norm RMSNorm"},
    // scales
    {"*_softcapping *_softcap", NF_KEY_CHANGES, "0"},
    {"query_pre_attn_scalar attention_multiplier attention_scale scale_depth dim_model_base clip_qkv",
     NF_KEY_CHANGES},
    {"embedding_multiplier residual_multiplier logits_scaling logit_scale scale_emb", NF_KEY_CHANGES, "1"},
    {"attn_temperature_tuning", NF_KEY_CHANGES, "false 0"},
    // attention of another shape
    {"alibi use_bidirectional_attention is_encoder_decoder add_cross_attention tie_encoder_decoder",
     NF_KEY_CHANGES, "false"},
    {"attention_chunk_size", NF_KEY_CHANGES, "0"},
    {"is_causal", NF_KEY_CHANGES, "true"},
    {"cross_attention_hidden_size", NF_KEY_CHANGES},
    {"pruned_heads per_layer_config", NF_KEY_CHANGES, "{} []"},
    {"is_decoder", NF_KEY_HARMLESS}, // a decoder without cross attention is the same
    // prediction of more tokens than the next, which is not done
    {"num_nextn_* mtp_* num_mtp_*", NF_KEY_HARMLESS},
    // training
    {"*dropout initializer_range output_router_logits router_aux_loss_coef gradient_checkpointing unsloth_*",
     NF_KEY_HARMLESS},
    {"pretraining_tp", NF_KEY_HARMLESS}, // the same sums in another order
    // tokens that only a tokenizer or a loss needs
    {"bos_token_id pad_token_id sep_token_id cls_token_id mask_token_id decoder_start_token_id "
     "tokenizer_class prefix",
     NF_KEY_HARMLESS},
    // how transformers runs and what it returns
    {"_* name_or_path model_name transformers_version use_cache cache_implementation attn_implementation "
     "experts_implementation use_flash_attn* use_kernels output_* return_* use_return_dict "
     "tie_last_hidden_states torchscript use_bfloat16 tf_legacy_loss chunk_size_feed_forward",
     NF_KEY_HARMLESS},
    {"auto_map", NF_KEY_HARMLESS}, // code beside the weights, which nobody runs unasked
    // heads for classes
    {"id2label label2id num_labels problem_type finetuning_task task_specific_params", NF_KEY_HARMLESS},
    // of older files; generation_config.json is what counts
    {"do_sample temperature top_k top_p typical_p *epetition_penalty *length_penalty diversity_penalty "
     "*no_repeat_ngram_size bad_words_ids *suppress_tokens forced_* max_length min_length num_beam* "
     "num_return_sequences early_stopping remove_invalid_values",
     NF_KEY_HARMLESS},
};
static const nf_keys decoder = NF_KEYS(common, NULL);

static const nf_key gpt_oss[] = {
    {"num_local_experts num_experts_per_tok sliding_window swiglu_limit swiglu_alpha", NF_KEY_USED},
    {"experts_per_token", NF_KEY_HARMLESS},      // num_experts_per_tok counts
    {"initial_context_length", NF_KEY_HARMLESS}, // of the first release's own code
    {"hidden_act", NF_KEY_CHANGES, "silu swish swiglu swigluoai"},
    {"use_qk_norm qk_norm", NF_KEY_CHANGES, "false"},
};
const nf_keys nf_gpt_oss_keys = NF_KEYS(gpt_oss, &decoder);

static const nf_key qwen3[] = {
    {"use_sliding_window sliding_window max_window_layers", NF_KEY_USED},
    {"use_qk_norm qk_norm", NF_KEY_CHANGES, "true"},
};
const nf_keys nf_qwen3_keys = NF_KEYS(qwen3, &decoder);

static const nf_key qwen3_next[] = {
    {"num_experts num_experts_per_tok moe_intermediate_size shared_expert_intermediate_size norm_topk_prob "
     "decoder_sparse_step mlp_only_layers full_attention_interval linear_num_key_heads "
     "linear_num_value_heads linear_key_head_dim linear_value_head_dim linear_conv_kernel_dim",
     NF_KEY_USED},
    {"use_sliding_window", NF_KEY_CHANGES, "false"},
    {"sliding_window", NF_KEY_HARMLESS}, // nothing slides
    {"max_window_layers", NF_KEY_HARMLESS},
    {"attn_output_gate use_qk_norm qk_norm", NF_KEY_CHANGES, "true"},
    {"mamba_ssm_dtype", NF_KEY_HARMLESS}, // states are float32
};
const nf_keys nf_qwen3_next_keys = NF_KEYS(qwen3_next, &decoder);
