// SPDX-License-Identifier: Apache-2.0
// What to do with a path that is no checkpoint folder, or one without weights.
#include "base/file.h"
#include "base/text.h"
#include "checkpoint/checkpoint.h"
#include <dirent.h>
#include <stdio.h>
#include <string.h>

// What else people have, and what would be right.
static const struct other {
  const char *pattern, *advice;
} others[] = {
    {"*.gguf", "is a GGUF file, which is not read: take the checkpoint that it was made of, in safetensors"},
    {"pytorch_model*.bin*", "is a pickle, which is not read: convert it to safetensors (save_pretrained of "
                            "transformers does)"},
    {"*.pth", "is a pickle, which is not read: take the checkpoint in safetensors"},
    {"*.pt", "is a pickle, which is not read: take the checkpoint in safetensors"},
    {"consolidated*.safetensors", "is in another layout than the hub's: take that with " NF_SINGLE},
    {"adapter_model.safetensors", "is an adapter: merge it into its model (merge_and_unload of peft does)"},
};

static const struct other *other_of(const char *name) {
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (nf_glob(others[i].pattern, name)) return &others[i];
  return NULL;
}

static bool is_hub_id(const char *path) { // owner/name
  const char *slash = strchr(path, '/');
  return slash && slash != path && slash[1] && !strchr(slash + 1, '/') && path[0] != '.' && path[0] != '~';
}

nf_status nf_checkpoint_folder(const char *dir) {
  const char *name = strrchr(dir, '/');
  const struct other *other = other_of(name ? name + 1 : dir);
  if (nf_path_is_dir(dir)) return nf_ok();
  if (nf_path_exists(dir) && other) return nf_error(NF_BAD_INPUT, "%s: %s", dir, other->advice);
  if (nf_path_exists(dir))
    return nf_error(NF_BAD_INPUT, "%s: is not a folder, should be one with config.json and " NF_SINGLE, dir);
  if (is_hub_id(dir))
    return nf_error(NF_BAD_INPUT,
                    "%s: there is no such folder; a model of the hub is had by `huggingface-cli download %s "
                    "--local-dir %s`, then -m %s",
                    dir, dir, name + 1, name + 1);
  return nf_error(NF_BAD_INPUT, "%s: there is no such folder, should be one with config.json and " NF_SINGLE,
                  dir);
}

nf_status nf_checkpoint_no_weights(const char *dir) {
  char found[256] = "";
  const struct other *other = NULL;
  DIR *d = opendir(dir);
  for (const struct dirent *e; d && !other && (e = readdir(d));)
    if ((other = other_of(e->d_name))) snprintf(found, sizeof found, "%s", e->d_name);
  if (d) closedir(d);
  if (other)
    return nf_error(NF_BAD_INPUT, "%s: has neither " NF_INDEX " nor " NF_SINGLE "; %s %s", dir, found,
                    other->advice);
  return nf_error(NF_BAD_INPUT,
                  "%s: has neither " NF_INDEX " nor " NF_SINGLE "; --load-format dummy takes random weights",
                  dir);
}
