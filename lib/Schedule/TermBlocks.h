// block_terms: a product of many terms whose rows lie side by side (the gradient of weights over a
// large batch) takes some terms of all rows at a time, so that what it reads comes from memory once
// and stays in the second cache for every panel of columns.
//
// Before:  for i in 0..784 { for j in 0..128 {
//            tile sum; for b in 0..2 {
//              tile t; for k in 0..2048 { t = fma x[2048*b+k, i], d[…, j], t }
//              set sum = add sum, t }; … } }
// After:   for b in 0..2 { for i { for j { sums[b, i, j] = -0.0 } }
//            for c in 0..2048 step 128 { for i { for j {
//              tile t = sums[b, i, j]; for k in 0..128 { t = fma x[2048*b+c+k, i], … }
//              sums[b, i, j] = t } } } }
//          for i in 0..784 { for j in 0..128 {
//            tile sum; for b in 0..2 { set sum = add sum, sums[b, i, j] }; … } }
//
// Where the second cache holds too few terms of all rows, some rows at a time are such a product:
//
// Before:  for i in 0..2048 { for j { tile t; for k in 0..2000 { … x[k, i] … }; store … } }
// After:   for m in 0..4 { for i in 0..512 { for j { sums[512*m+i, j] = -0.0 } }
//            for c in 0..2000 step 125 { for i { for j { … x[c+k, 512*m+i] … } } } }
//
// It comes before lanes exist, and only where extents are known.
//
// A chain that goes through memory has the bits of one in a register. What is done with the result
// stays behind all of them.
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void block_terms(Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
