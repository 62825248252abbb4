// SPDX-License-Identifier: Apache-2.0
// What each key of config.json means here: those of every decoder, and those of each family. Keys of other
// models that would change the result stand here too, so that a config which borrows one is refused by name.
#include "model/config.h"

static const nf_key common[] = {
    // which model
    {"model_type", NF_KEY_USED},
    {"architectures", NF_KEY_USED},
    {"dtype", NF_KEY_USED},
    {"torch_dtype", NF_KEY_USED},
    {"quantization_config", NF_KEY_USED},
    {"compression_config", NF_KEY_USED},
    // sizes
    {"num_hidden_layers", NF_KEY_USED},
    {"hidden_size", NF_KEY_USED},
    {"vocab_size", NF_KEY_USED},
    {"intermediate_size", NF_KEY_USED},
    {"num_attention_heads", NF_KEY_USED},
    {"num_key_value_heads", NF_KEY_USED},
    {"head_dim", NF_KEY_USED},
    {"max_position_embeddings", NF_KEY_USED},
    {"rms_norm_eps", NF_KEY_USED},
    {"attention_bias", NF_KEY_USED},
    {"tie_word_embeddings", NF_KEY_USED},
    {"layer_types", NF_KEY_USED},
    {"eos_token_id", NF_KEY_USED},
    // rope
    {"rope_theta", NF_KEY_USED},
    {"rope_scaling", NF_KEY_USED},
    {"rope_parameters", NF_KEY_USED},
    {"partial_rotary_factor", NF_KEY_USED},
    {"original_max_position_embeddings", NF_KEY_USED},
    {"rope_interleave*", NF_KEY_CHANGES, "false"},
    {"rope_local_base_freq", NF_KEY_CHANGES},
    {"rotary_*", NF_KEY_CHANGES}, // rotary_dim, rotary_pct, rotary_emb_base
    {"no_rope_layer*", NF_KEY_CHANGES, "[] 0"},
    {"use_mrope", NF_KEY_HARMLESS}, // of pictures; text has one position
    // activations, biases, norms
    {"hidden_act", NF_KEY_CHANGES, "silu swish"},
    {"hidden_activation", NF_KEY_CHANGES, "silu swish"},
    {"mlp_bias", NF_KEY_CHANGES, "false"},
    {"use_bias", NF_KEY_CHANGES, "false"},
    {"qkv_bias", NF_KEY_CHANGES, "false"},
    {"lm_head_bias", NF_KEY_CHANGES, "false"},
    {"attention_out_bias", NF_KEY_CHANGES, "false"},
    {"qk_layernorm", NF_KEY_CHANGES, "false"},
    {"norm_type", NF_KEY_CHANGES, "rmsnorm rms_norm RMSNorm"},
    {"apply_residual_connection_post_layernorm", NF_KEY_CHANGES, "false"},
    {"parallel_attn", NF_KEY_CHANGES, "false"},
    {"use_parallel_residual", NF_KEY_CHANGES, "false"},
    // scales
    {"*_softcapping", NF_KEY_CHANGES, "0"},
    {"*_softcap", NF_KEY_CHANGES, "0"},
    {"query_pre_attn_scalar", NF_KEY_CHANGES},
    {"attention_multiplier", NF_KEY_CHANGES},
    {"attention_scale", NF_KEY_CHANGES},
    {"embedding_multiplier", NF_KEY_CHANGES, "1"},
    {"residual_multiplier", NF_KEY_CHANGES, "1"},
    {"logits_scaling", NF_KEY_CHANGES, "1"},
    {"logit_scale", NF_KEY_CHANGES, "1"},
    {"scale_emb", NF_KEY_CHANGES, "1"},
    {"scale_depth", NF_KEY_CHANGES},
    {"dim_model_base", NF_KEY_CHANGES},
    {"clip_qkv", NF_KEY_CHANGES},
    {"attn_temperature_tuning", NF_KEY_CHANGES, "false 0"},
    // attention of another shape
    {"alibi", NF_KEY_CHANGES, "false"},
    {"attention_chunk_size", NF_KEY_CHANGES, "0"},
    {"is_causal", NF_KEY_CHANGES, "true"},
    {"use_bidirectional_attention", NF_KEY_CHANGES, "false"},
    {"is_encoder_decoder", NF_KEY_CHANGES, "false"},
    {"add_cross_attention", NF_KEY_CHANGES, "false"},
    {"cross_attention_hidden_size", NF_KEY_CHANGES},
    {"tie_encoder_decoder", NF_KEY_CHANGES, "false"},
    {"pruned_heads", NF_KEY_CHANGES, "{} []"},
    {"per_layer_config", NF_KEY_CHANGES, "{} []"},
    {"is_decoder", NF_KEY_HARMLESS}, // a decoder without cross attention is the same
    // prediction of more tokens than the next, which is not done
    {"num_nextn_*", NF_KEY_HARMLESS},
    {"mtp_*", NF_KEY_HARMLESS},
    {"num_mtp_*", NF_KEY_HARMLESS},
    // training
    {"*dropout", NF_KEY_HARMLESS},
    {"initializer_range", NF_KEY_HARMLESS},
    {"output_router_logits", NF_KEY_HARMLESS},
    {"router_aux_loss_coef", NF_KEY_HARMLESS},
    {"gradient_checkpointing", NF_KEY_HARMLESS},
    {"pretraining_tp", NF_KEY_HARMLESS}, // the same sums in another order
    {"unsloth_*", NF_KEY_HARMLESS},
    // tokens that only a tokenizer or a loss needs
    {"bos_token_id", NF_KEY_HARMLESS},
    {"pad_token_id", NF_KEY_HARMLESS},
    {"sep_token_id", NF_KEY_HARMLESS},
    {"cls_token_id", NF_KEY_HARMLESS},
    {"mask_token_id", NF_KEY_HARMLESS},
    {"decoder_start_token_id", NF_KEY_HARMLESS},
    {"tokenizer_class", NF_KEY_HARMLESS},
    {"prefix", NF_KEY_HARMLESS},
    // how transformers runs and what it returns
    {"_*", NF_KEY_HARMLESS},
    {"name_or_path", NF_KEY_HARMLESS},
    {"model_name", NF_KEY_HARMLESS},
    {"transformers_version", NF_KEY_HARMLESS},
    {"auto_map", NF_KEY_HARMLESS}, // code beside the weights, which nobody runs unasked
    {"use_cache", NF_KEY_HARMLESS},
    {"cache_implementation", NF_KEY_HARMLESS},
    {"attn_implementation", NF_KEY_HARMLESS},
    {"experts_implementation", NF_KEY_HARMLESS},
    {"use_flash_attn*", NF_KEY_HARMLESS},
    {"use_kernels", NF_KEY_HARMLESS},
    {"output_*", NF_KEY_HARMLESS},
    {"return_*", NF_KEY_HARMLESS},
    {"use_return_dict", NF_KEY_HARMLESS},
    {"tie_last_hidden_states", NF_KEY_HARMLESS},
    {"torchscript", NF_KEY_HARMLESS},
    {"use_bfloat16", NF_KEY_HARMLESS},
    {"tf_legacy_loss", NF_KEY_HARMLESS},
    {"chunk_size_feed_forward", NF_KEY_HARMLESS},
    // heads for classes
    {"id2label", NF_KEY_HARMLESS},
    {"label2id", NF_KEY_HARMLESS},
    {"num_labels", NF_KEY_HARMLESS},
    {"problem_type", NF_KEY_HARMLESS},
    {"finetuning_task", NF_KEY_HARMLESS},
    {"task_specific_params", NF_KEY_HARMLESS},
    // of older files; generation_config.json is what counts
    {"do_sample", NF_KEY_HARMLESS},
    {"temperature", NF_KEY_HARMLESS},
    {"top_k", NF_KEY_HARMLESS},
    {"top_p", NF_KEY_HARMLESS},
    {"typical_p", NF_KEY_HARMLESS},
    {"*epetition_penalty", NF_KEY_HARMLESS},
    {"*length_penalty", NF_KEY_HARMLESS},
    {"diversity_penalty", NF_KEY_HARMLESS},
    {"*no_repeat_ngram_size", NF_KEY_HARMLESS},
    {"bad_words_ids", NF_KEY_HARMLESS},
    {"*suppress_tokens", NF_KEY_HARMLESS},
    {"forced_*", NF_KEY_HARMLESS},
    {"max_length", NF_KEY_HARMLESS},
    {"min_length", NF_KEY_HARMLESS},
    {"num_beam*", NF_KEY_HARMLESS},
    {"num_return_sequences", NF_KEY_HARMLESS},
    {"early_stopping", NF_KEY_HARMLESS},
    {"remove_invalid_values", NF_KEY_HARMLESS},
};
static const nf_keys decoder = NF_KEYS(common, NULL);

static const nf_key gpt_oss[] = {
    {"num_local_experts", NF_KEY_USED},
    {"num_experts_per_tok", NF_KEY_USED},
    {"sliding_window", NF_KEY_USED},
    {"swiglu_limit", NF_KEY_USED},
    {"swiglu_alpha", NF_KEY_USED},
    {"experts_per_token", NF_KEY_HARMLESS},      // num_experts_per_tok counts
    {"initial_context_length", NF_KEY_HARMLESS}, // of the first release's own code
    {"hidden_act", NF_KEY_CHANGES, "silu swish swiglu swigluoai"},
    {"use_qk_norm", NF_KEY_CHANGES, "false"},
    {"qk_norm", NF_KEY_CHANGES, "false"},
};
const nf_keys nf_gpt_oss_keys = NF_KEYS(gpt_oss, &decoder);

static const nf_key qwen3[] = {
    {"use_sliding_window", NF_KEY_USED}, {"sliding_window", NF_KEY_USED},
    {"max_window_layers", NF_KEY_USED},  {"use_qk_norm", NF_KEY_CHANGES, "true"},
    {"qk_norm", NF_KEY_CHANGES, "true"},
};
const nf_keys nf_qwen3_keys = NF_KEYS(qwen3, &decoder);

static const nf_key qwen3_next[] = {
    {"num_experts", NF_KEY_USED},
    {"num_experts_per_tok", NF_KEY_USED},
    {"moe_intermediate_size", NF_KEY_USED},
    {"shared_expert_intermediate_size", NF_KEY_USED},
    {"norm_topk_prob", NF_KEY_USED},
    {"decoder_sparse_step", NF_KEY_USED},
    {"mlp_only_layers", NF_KEY_USED},
    {"full_attention_interval", NF_KEY_USED},
    {"linear_num_key_heads", NF_KEY_USED},
    {"linear_num_value_heads", NF_KEY_USED},
    {"linear_key_head_dim", NF_KEY_USED},
    {"linear_value_head_dim", NF_KEY_USED},
    {"linear_conv_kernel_dim", NF_KEY_USED},
    {"use_sliding_window", NF_KEY_CHANGES, "false"},
    {"sliding_window", NF_KEY_HARMLESS}, // nothing slides
    {"max_window_layers", NF_KEY_HARMLESS},
    {"attn_output_gate", NF_KEY_CHANGES, "true"},
    {"use_qk_norm", NF_KEY_CHANGES, "true"},
    {"qk_norm", NF_KEY_CHANGES, "true"},
    {"mamba_ssm_dtype", NF_KEY_HARMLESS}, // states are float32
};
const nf_keys nf_qwen3_next_keys = NF_KEYS(qwen3_next, &decoder);
