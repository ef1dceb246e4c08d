// ask_for_rows: a loop that passes over each row of an array several times, as a softmax does, asks
// for the next row while it computes.
//
// Before:  for i { for j step 16 { … x[i, j] … }; for j step 16 { long work, y[i, j] } }
// After:   for i { for j step 16 { … x[i, j] … };
//                  for j step 16 { prefetch x[i+1, j]; prefetch y[i+1, j]; long work, y[i, j] } }
//
// Between two rows nothing is read from memory, and what hardware fetches ahead ends with a page.
// For that reason a loop each turn of which reads a few lines of another row, too, asks ahead:
//
// Before:  for k { … x[k, i + lanes] … }
// After:   for k { prefetch x[k + 24, i]; … x[k, i + lanes] … }
//
// and one along several rows at once, whose ends hardware does not see beyond, for the next ones:
//
// Before:  for i step 2 { for k step 16 { … x[i, k + lanes], x[i+1, k + lanes] … } }
// After:   for i step 2 { for k step 16 { prefetch x[i+2, k]; prefetch x[i+3, k]; … } }
#pragma once

#include "Rewrite.h"

#include "gdjit/IR/PassContext.h"

namespace gdjit::scheduling {

void ask_for_rows(const Program& program, Kernel& kernel, PassContext& context);

} // namespace gdjit::scheduling
