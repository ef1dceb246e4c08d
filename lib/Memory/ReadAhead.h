// read_ahead: of a few rows that are updated in place under a mask, all are read before the first
// is written. A processor takes a masked store for one of all its bytes: the load of the next row,
// where rows are shorter than a vector, would wait until the store has reached the first cache.
//
// Before:  for i in 0..16 { %0 = load w[i, lane] if %m else 0; w.next[i, lane] = sub %0, t0[i] if
// %m } After:   tile t1[16]
//          for i in 0..16 { %0 = load w[i, lane] if %m else 0; t1[i] = sub %0, t0[i] }
//          for i in 0..16 { w.next[i, lane] = t1[i] if %m }
// More rows than that are taken in blocks of as many as registers hold:
//
// Before:  for i in 0..784 { … }
// After:   for i in 0..784 step 28 { tile t1[28]
//            unrolled for i1 in 0..28 { … } unrolled for i1 in 0..28 { … } }
//
// Needs updates in their places; the proof for those (InPlace.h) is the proof that no row reads
// what another writes.
#pragma once

#include "gdjit/IR/PassContext.h"
#include "gdjit/Loop/Program.h"

namespace gdjit::memory {

void read_ahead(const loop::Program& program, loop::Kernel& kernel, PassContext& context);

} // namespace gdjit::memory
