// NodeNames: what %12 and %name stand for in the text of a graph.
#pragma once

#include "gdjit/IR/Graph.h"
#include "gdjit/IR/TextReader.h"

#include <string>
#include <unordered_map>

namespace gdjit {

class NodeNames {
public:
  explicit NodeNames(TextReader& reader) : in_(reader) {}

  /// A number where the name is empty.
  struct Id {
    uint64_t number = 0;
    std::string name;
  };

  struct Defined {
    Value value;     ///< invalid where its line is wrong: users are then left out without a message
    int results = 0; ///< of the node
    size_t at = 0;
  };

  /// %12 or %name.
  Id read();
  void define(const Id& id, const Defined& defined);
  /// Reads a value that is used, %12 or %12#1; invalid where the line that defines it is wrong.
  Value use();

private:
  [[noreturn]] void undefined(size_t at, const Id& id);

  TextReader& in_;
  std::unordered_map<uint64_t, Defined> numbered_;
  std::unordered_map<std::string, Defined> named_;
};

} // namespace gdjit
