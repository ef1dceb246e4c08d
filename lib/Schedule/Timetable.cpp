// Longest paths, from the last statement back to the first.
#include "Timetable.h"

#include <algorithm>
#include <map>

namespace gdjit::scheduling {

int64_t latency(const Statement& s) {
  if (s.kind == StatementKind::Store)
    return 1;
  if (s.kind != StatementKind::Compute || s.op == loop::ScalarOp::constant)
    return 0; // what it reads lies in the first cache
  if (s.op == loop::ScalarOp::sqrt)
    return 5;
  return s.op == loop::ScalarOp::div ? 6 : 1;
}

Timetable::Timetable(const std::vector<Statement>& code) : start(code.size()) {
  std::map<ValueId, size_t> defined;
  std::vector<int64_t> left(code.size()); // until all is done, from its start
  for (size_t i = 0; i < code.size(); ++i) {
    left[i] = latency(code[i]);
    if (code[i].result != loop::none)
      defined[code[i].result] = i;
  }
  for (size_t i = code.size(); i-- > 0;) {
    for_each_use(code[i], [&](ValueId v) {
      if (auto at = defined.find(v); at != defined.end())
        left[at->second] = std::max(left[at->second], latency(code[at->second]) + left[i]);
    });
    length = std::max(length, left[i]);
  }
  for (size_t i = 0; i < code.size(); ++i) {
    start[i] = length - left[i];
    if (code[i].kind != StatementKind::Store)
      continue;
    start[i] = 0;
    for_each_use(code[i], [&](ValueId v) {
      if (auto at = defined.find(v); at != defined.end())
        start[i] = std::max(start[i], start[at->second] + latency(code[at->second]));
    });
  }
}

} // namespace gdjit::scheduling
