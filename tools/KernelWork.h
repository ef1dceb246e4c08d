// What the kernels of a step do, counted from its loops as they were before anything was scheduled:
// the same for every machine and number of threads.
#pragma once

#include "Figures.h"
#include "Limits.h"

#include "gdjit/IR/Graph.h"
#include "gdjit/IR/Step.h"
#include "gdjit/Loop/Program.h"
#include "gdjit/Transforms/PassManager.h"

#include <string>

namespace gdjit::tool {

struct KernelWork {
  double operations = 0; ///< scalar ones on floats and integers, a fused multiply-add as two
  double read = 0;       ///< bytes of operands, from outside or other kernels, each once
  double written = 0;    ///< bytes of results, for other kernels or the outside, each once

  double bytes() const { return read + written; }
};

/// Per kernel. What a kernel writes and reads again itself, and nobody else, does not count.
std::vector<KernelWork> work_of(const loop::Program& program);

/// Keeps a step as it is before its nodes are fused and behind that, and its loops before they are
/// scheduled. A text of a later stage leaves them empty.
class BeforeSchedule : public PassObserver {
public:
  void after_pass(const PassRecord& record, const Work& work) override;

  Step simplified, fused;
  loop::Program loops;
};

/// The seconds that work takes at least, and by what.
struct Least {
  double seconds = 0;
  bool by_operations = false; ///< else by bytes
};
Least least_time(const KernelWork& work, const Limits& limits);

/// What the kernels of a step do, and the seconds that they take at least, one behind the other.
struct StepWork {
  KernelWork work;
  double least_seconds = 0;
  double products =
      0; ///< operations of products of matrices alone, of a step that begins as a graph
};
StepWork step_work(const Work& work, CompileOptions options, const Limits& limits);

/// 2 m n k for each product of matrices in a graph: the rest of a step goes on around them.
double product_operations(const Graph& graph);

/// "12.9 Mop": a number of anything, to three digits.
std::string amount(double number, const char* unit);
/// "73.7 us".
std::string duration(double seconds);
/// What the machine can do.
std::string words(const Limits& limits);
Json to_json(const Limits& limits);

} // namespace gdjit::tool
