// SPDX-License-Identifier: Apache-2.0
// Inside the room: handing a JSON document to a client.
#pragma once
#include "base/json.h"
#include <infuse/inspect.h>

// Prints doc (stolen, freed; NULL means that memory ran out while it was made) and calls the sink once.
nf_status nf_document_deliver(json_t *doc, infuse_sink sink, void *user);
// Adds the verdict of a document's `rows`, which have error, bound and ok: "verdict" ("ok" or "failed"),
// "failed" (how many are not ok) and "worst", the row whose error is the largest part of its bound; of rows
// that are not ok the first that has no error or no bound. NULL stays NULL; when memory is out it becomes
// NULL.
json_t *nf_document_judge(json_t *doc);
