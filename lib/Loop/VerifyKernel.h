// KernelVerifier: the rules of the statements of one kernel, in one walk in the order of the text.
#pragma once

#include "gdjit/Loop/Verifier.h"

#include <string>
#include <vector>

namespace gdjit::loop {

/// What the statements of a kernel name, each buffer once.
struct Named {
  bool ascending = false; ///< the kernel's lists
  bool listed = false;    ///< all of it is in them
  std::vector<BufferId> read, stored;
};
Named named_by(const Kernel& kernel);

/// Why a kernel cannot be the same as the one that it says it is; "" where it can. That one must
/// have been verified; `named` holds what each kernel with statements names.
std::string sameness_problem(const Program& program, const Kernel& kernel,
                             const std::vector<Named>& named);

class KernelVerifier {
public:
  KernelVerifier(const Program& program, const Kernel& kernel, Diagnostics& diagnostics,
                 const StatementPlaces* places)
      : program_(program), kernel_(kernel), diagnostics_(diagnostics), places_(places) {}

  /// `number` is that of the first statement among all of the program; left behind the last.
  void run(size_t& number);

private:
  enum class Life : uint8_t { unknown, alive, over };
  struct Loop {
    Life life = Life::unknown;
    int64_t first = 0, last = 0; ///< of its variable
    bool empty = false;          ///< no turn
  };
  struct Level { ///< a body that is being walked
    const Statement* owner;
    const std::vector<Statement>* body;
    size_t next;
    std::vector<ValueId> values; ///< that end with it
    std::vector<TileId> tiles;
  };

  void visit(const Statement& s);
  void compute(const Statement& s);
  void load(const Statement& s);
  void store(const Statement& s);
  void tile(const Statement& s);
  void get_or_set(const Statement& s);
  void join(const Statement& s);
  void transpose(const Statement& s);
  std::vector<int64_t> part(const Statement& s);
  void check(const Statement& s);
  void prefetch(const Statement& s);
  void define(const Statement& s);
  void open(const Statement& s);
  void close();

  /// The type of an operand; false, with a message, where it is not defined.
  bool use(ValueId value, ValueType& type);
  void operand(const Statement& s, DType dtype, uint16_t lanes);
  void mask(const Statement& s);
  void one_index(const Statement& s);
  void indices(const Statement& s, const std::vector<int64_t>& extents, bool guarded, bool of_tile);
  void index(const Statement& s, const Index& i, int64_t extent, bool guarded);
  void error(const std::string& message);

  const Program& program_;
  const Kernel& kernel_;
  Diagnostics& diagnostics_;
  const StatementPlaces* places_;
  size_t number_ = 0;
  int dead_ = 0; ///< loops around that never turn: what is inside cannot reach memory
  std::vector<Life> values_, tiles_;
  std::vector<ValueType> value_types_, tile_types_;
  std::vector<const Statement*> tile_statements_;
  std::vector<Loop> loops_;
  std::vector<Level> levels_;
};

} // namespace gdjit::loop
