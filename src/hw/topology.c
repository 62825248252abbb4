// SPDX-License-Identifier: Apache-2.0
// The host's topology, asked of hwloc.
#include "hw/topology.h"
#include <hwloc.h>

static const hwloc_obj_type_t levels[NF_CACHE_LEVELS] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                                         HWLOC_OBJ_L3CACHE};

static void describe(hwloc_topology_t t, nf_topology *out) {
  *out = (nf_topology){.packages = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PACKAGE),
                       .memory_nodes = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_NUMANODE),
                       .cores = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_CORE),
                       .cpus = hwloc_get_nbobjs_by_type(t, HWLOC_OBJ_PU)};
  for (int i = 0; i < NF_CACHE_LEVELS; i++) {
    const hwloc_obj_t cache = hwloc_get_obj_by_type(t, levels[i], 0);
    if (cache == NULL) continue;
    out->cache[i].bytes = cache->attr->cache.size;
    out->cache[i].n = hwloc_get_nbobjs_by_type(t, levels[i]);
  }
}

nf_status nf_hw_topology(nf_topology *out) {
  hwloc_topology_t t;
  if (hwloc_topology_init(&t) != 0) return nf_error(NF_NO_MEMORY, "no memory for the machine's topology");
  const bool told = hwloc_topology_set_flags(t, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM |
                                                    HWLOC_TOPOLOGY_FLAG_RESTRICT_TO_CPUBINDING) == 0 &&
                    hwloc_topology_load(t) == 0;
  if (told) describe(t, out);
  hwloc_topology_destroy(t);
  return told ? nf_ok() : nf_error(NF_UNAVAILABLE, "the system does not tell the machine's topology");
}
