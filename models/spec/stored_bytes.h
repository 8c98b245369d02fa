// Bytes that numbers take in memory, scale factors included.
#pragma once

#include "base/dtype.h"

namespace moesim {

// Bytes of one parameter of a quantised matrix, scale factors included (fp8 block: 1 + 4/16384,
// mxfp4: 4.25 bit, int4 group 128: 4.16 bit). Source: docs/physics.md, "Kernel time".
double stored_bytes(Dtype dtype);

}  // namespace moesim
