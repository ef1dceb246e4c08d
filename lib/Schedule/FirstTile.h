// copy_in_first_tile: what a panel holds is copied while the first tile of rows uses it.
//
// Before:  for k { panel[k] = w[k, j] }
//          for i in 0..252 step 14 { tile t; for k { … panel[k] … } … }
// After:   tile t; for k { prefetch w[k+8, j]; panel[k] = w[k, j]; … panel[k] … } …
//          for i in 14..252 step 14 { tile t; for k { … panel[k] … } … }
//
// A copy by itself waits for caches while nothing is computed. One that turns blocks waits for
// shuffles, too: between the terms of a first tile that leaves registers to it (RegisterTile.cpp
// makes it of the rows that remain) it is a block ahead of them, a group of rows in some terms:
//
// Before:  for k in 0..784 step 8 { for r in 0..32 step 16 { panel[k .. k+7, r+lanes] = w, turned }
// }
//          tile t; for k in 0..784 { … panel[k] … } …
//          for i in 8..64 step 14 { … }
// After:   tile t; for g in 0..2 { panel[0 .. 7, 16*g+lanes] = w, turned }
//          for k in 0..776 step 8 { for g in 0..2 {
//            prefetch w[16*g, k+16] …; panel[k+8 .. k+15, 16*g+lanes] = w, turned
//            for k1 in 0..4 { … panel[k+4*g+k1] … } } }
//          for k in 776..784 { … panel[k] … } …
//          for i in 8..64 step 14 { … }
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void copy_in_first_tile(const Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
