// Attributes: the constants of a node, by name, each of one kind; names and kinds stand in
// Attributes.def.
#pragma once

#include "gdjit/IR/Array.h"
#include "gdjit/IR/ReductionOrder.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gdjit {

enum class Attr : uint8_t {
#define GDJIT_ATTRIBUTE(name, kind, summary) name,
#include "gdjit/IR/Attributes.def"
};

enum class AttributeKind : uint8_t { integer, real, boolean, text, integers, dtype, order, array };

std::string_view name(Attr attr);
AttributeKind kind(Attr attr);
std::string_view summary(Attr attr);
/// Finds an attribute by its name; false if there is none.
bool find_attr(std::string_view name, Attr& attr);

/// The attributes of one node, sorted by Attr. A getter fails an internal check where the attribute
/// is absent. Copies share their entries until one of them is set: each pass copies every node.
class Attributes {
public:
  Attributes() = default;

  bool has(Attr attr) const { return find(attr) != nullptr; }
  bool empty() const { return all_ == nullptr; }

  int64_t integer(Attr attr) const { return get(attr).number; }
  bool boolean(Attr attr) const { return get(attr).number != 0; }
  double real(Attr attr) const { return get(attr).real; }
  DType dtype(Attr attr) const { return static_cast<DType>(get(attr).number); }
  const std::string& text(Attr attr) const { return get(attr).text; }
  const std::vector<int64_t>& integers(Attr attr) const { return get(attr).integers; }
  ReductionOrder order(Attr attr) const { return get(attr).order; }
  const Array& array(Attr attr) const { return *get(attr).array; }
  std::shared_ptr<const Array> shared_array(Attr attr) const { return get(attr).array; }

  // Setters return *this so that a node's attributes are written in one expression.
  Attributes& integer(Attr attr, int64_t value);
  Attributes& boolean(Attr attr, bool value);
  Attributes& real(Attr attr, double value);
  Attributes& dtype(Attr attr, DType value);
  Attributes& text(Attr attr, std::string value);
  Attributes& integers(Attr attr, std::vector<int64_t> value);
  Attributes& shape(Attr attr, const Shape& value);
  Attributes& order(Attr attr, ReductionOrder value);
  Attributes& array(Attr attr, std::shared_ptr<const Array> value);

  struct Entry {
    Attr attr;
    int64_t number = 0; ///< integer, boolean, dtype
    double real = 0;
    std::string text;
    std::vector<int64_t> integers;
    ReductionOrder order;
    std::shared_ptr<const Array> array;

    bool operator==(const Entry& other) const; ///< real and array by bits, all NaNs being one
  };
  const std::vector<Entry>& entries() const;
  bool operator==(const Attributes& other) const {
    return all_ == other.all_ || entries() == other.entries();
  }
  uint64_t hash() const;

private:
  const Entry* find(Attr attr) const;
  const Entry& get(Attr attr) const;
  Entry& set(Attr attr);

  std::shared_ptr<std::vector<Entry>> all_; ///< null where there are none
};

/// The integers of a shape-valued attribute as a Shape.
Shape to_shape(const std::vector<int64_t>& extents);

} // namespace gdjit
