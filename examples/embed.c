// SPDX-License-Identifier: Apache-2.0
// The smallest program around infuse: goes on with a prompt and prints the text as it comes.
//   cc embed.c $(pkg-config --cflags --libs infuse) -o embed && ./embed MODEL_FOLDER PROMPT [TOKENS]
#include <infuse/infuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
  if (argc < 3) return fprintf(stderr, "usage: embed MODEL_FOLDER PROMPT [TOKENS]\n"), 2;
  infuse_runtime *runtime = NULL;
  infuse_model *model = NULL;
  infuse_session *session = NULL;
  int32_t *ids = NULL;
  size_t n_ids = 0;
  // How to draw comes from the model's generation_config.json, with seed 0: the same text every time.
  infuse_session_options options = {.size = sizeof options, .generate = true, .max_tokens = 32};
  if (argc > 3) options.max_tokens = atoll(argv[3]);

  // Each call does something only if all before it went well: errors meet at the end.
  infuse_error *error = infuse_runtime_create(NULL, &runtime);
  if (!error) error = infuse_model_load(runtime, argv[1], NULL, &model);
  if (!error)
    error = infuse_encode(infuse_model_tokenizer(model), argv[2], strlen(argv[2]), INFUSE_ENCODE_PLAIN, &ids,
                          &n_ids);
  if (!error) error = infuse_session_create(model, &options, &session);
  if (!error) error = infuse_session_append(session, ids, n_ids);

  while (!error && infuse_session_pending(session) > 0) { // each drawn token waits for the next step
    error = infuse_step(model, &session, 1);
    if (!error) error = infuse_error_copy(infuse_session_error(session)); // what ended this session alone
    if (error) break;
    const infuse_output output = infuse_session_output(session);
    fwrite(output.text, 1, output.n, stdout);
    fflush(stdout);
  }
  if (!error) printf("\n");

  if (error) fprintf(stderr, "embed: %s\n", infuse_error_message(error));
  const int code = error ? EXIT_FAILURE : EXIT_SUCCESS;
  infuse_error_free(error);
  infuse_free(ids);
  infuse_session_destroy(session);
  infuse_model_destroy(model);
  infuse_runtime_destroy(runtime);
  return code;
}
