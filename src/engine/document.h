// SPDX-License-Identifier: Apache-2.0
// Inside the room: handing a JSON document to a client.
#pragma once
#include "base/json.h"
#include <infuse/inspect.h>

// Prints doc (stolen, freed; NULL means that memory ran out while it was made) and calls the sink once.
nf_status nf_document_deliver(json_t *doc, infuse_sink sink, void *user);
