// Attributes of nodes.
#include "gdjit/IR/Attribute.h"

#include "gdjit/IR/Element.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"

#include <algorithm>
#include <bit>

namespace gdjit {

namespace {
struct Row {
  std::string_view name;
  AttributeKind kind;
  std::string_view summary;
};
constexpr Row rows[] = {
#define GDJIT_ATTRIBUTE(name, kind, summary) {#name, AttributeKind::kind, summary},
#include "gdjit/IR/Attributes.def"
};
} // namespace

std::string_view name(Attr attr) { return rows[static_cast<int>(attr)].name; }
AttributeKind kind(Attr attr) { return rows[static_cast<int>(attr)].kind; }
std::string_view summary(Attr attr) { return rows[static_cast<int>(attr)].summary; }

bool find_attr(std::string_view name, Attr& attr) {
  for (const Row& row : rows)
    if (row.name == name) {
      attr = static_cast<Attr>(&row - rows);
      return true;
    }
  return false;
}

bool Attributes::Entry::operator==(const Entry& other) const {
  return attr == other.attr && number == other.number &&
         same_bits(DType::f64, std::bit_cast<Bits>(real), std::bit_cast<Bits>(other.real)) &&
         text == other.text && integers == other.integers && order == other.order &&
         (array == other.array || (array && other.array && same_bits(*array, *other.array)));
}

uint64_t Attributes::hash() const {
  uint64_t h = entries().size();
  for (const Entry& e : entries()) {
    h = combine(h, static_cast<uint64_t>(e.attr));
    h = combine(h, static_cast<uint64_t>(e.number));
    h = combine(h, canonical(DType::f64, std::bit_cast<Bits>(e.real)));
    h = combine(h, hash_bytes(e.text));
    for (int64_t i : e.integers)
      h = combine(h, static_cast<uint64_t>(i));
    h = combine(h, static_cast<uint64_t>(e.order.accumulator));
    h = combine(h, static_cast<uint64_t>(e.order.partials));
    h = combine(h, static_cast<uint64_t>(e.order.block));
    if (e.array)
      h = combine(h, gdjit::hash(*e.array));
  }
  return h;
}

const std::vector<Attributes::Entry>& Attributes::entries() const {
  static const std::vector<Entry> nothing;
  return all_ ? *all_ : nothing;
}

const Attributes::Entry* Attributes::find(Attr attr) const {
  for (const Entry& e : entries())
    if (e.attr == attr)
      return &e;
  return nullptr;
}

const Attributes::Entry& Attributes::get(Attr attr) const {
  const Entry* e = find(attr);
  if (!e)
    throw InternalError("attribute '" + std::string(name(attr)) + "' is absent");
  return *e;
}

Attributes::Entry& Attributes::set(Attr attr) {
  if (!all_ || all_.use_count() > 1)
    all_ = std::make_shared<std::vector<Entry>>(entries());
  auto at =
      std::find_if(all_->begin(), all_->end(), [&](const Entry& e) { return e.attr >= attr; });
  if (at != all_->end() && at->attr == attr)
    return *at;
  Entry entry;
  entry.attr = attr;
  return *all_->insert(at, std::move(entry));
}

Attributes& Attributes::integer(Attr attr, int64_t value) {
  set(attr).number = value;
  return *this;
}
Attributes& Attributes::boolean(Attr attr, bool value) {
  set(attr).number = value;
  return *this;
}
Attributes& Attributes::real(Attr attr, double value) {
  set(attr).real = value;
  return *this;
}
Attributes& Attributes::dtype(Attr attr, DType value) {
  set(attr).number = static_cast<int64_t>(value);
  return *this;
}
Attributes& Attributes::text(Attr attr, std::string value) {
  set(attr).text = std::move(value);
  return *this;
}
Attributes& Attributes::integers(Attr attr, std::vector<int64_t> value) {
  set(attr).integers = std::move(value);
  return *this;
}
Attributes& Attributes::shape(Attr attr, const Shape& value) {
  return integers(attr, std::vector<int64_t>(value.begin(), value.end()));
}
Attributes& Attributes::order(Attr attr, ReductionOrder value) {
  set(attr).order = value;
  return *this;
}
Attributes& Attributes::array(Attr attr, std::shared_ptr<const Array> value) {
  set(attr).array = std::move(value);
  return *this;
}

Shape to_shape(const std::vector<int64_t>& extents) {
  Shape shape;
  for (int64_t e : extents)
    shape.push_back(e);
  return shape;
}

} // namespace gdjit
