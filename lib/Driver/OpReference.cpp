// One section per kind, one paragraph per op, everything read from row and block.
#include "gdjit/Driver/OpReference.h"

#include "gdjit/Ops/Op.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Suggest.h"

#include <fmt/format.h>
#include <vector>

namespace gdjit {

namespace {

struct KindText {
  OpKind kind;
  const char* title;
  const char* text;
};

constexpr KindText kinds[] = {
    {OpKind::Source, "Sources", "No tensor operand: an element follows from its position alone."},
    {OpKind::Pointwise, "Pointwise",
     "An element follows from the operands' elements at the same index. In C++ operands broadcast "
     "by NumPy's rules; in "
     "text all have one shape."},
    {OpKind::Reduction, "Reductions",
     "An element follows from all elements along the reduced axes, in the order that "
     "the attribute `order` states."},
    {OpKind::Contraction, "Contractions", "Sums of products over index maps."},
    {OpKind::Movement, "Movement", "An element is one of the operand's, found by an index map."},
    {OpKind::Indexing, "Indexing",
     "Where elements come from or go to is data; an index out of range is reported."},
    {OpKind::Derivative, "Derivatives", "Expanded into ordinary ops by the pass differentiate."},
};

std::string bound(double ulp) {
  return ulp == 0 ? "exact" : ulp == 0.5 ? "correctly rounded" : fmt::format("within {} ULP", ulp);
}

std::string derivative(const OpBlock& block) {
  if (block.vjp)
    return "by rule";
  if (block.not_differentiable.empty())
    return "none: nothing to differentiate by";
  return fmt::format("{}: {}", block.zero_gradient ? "zero" : "refused", block.not_differentiable);
}

std::string describe(const OpInfo& op) {
  const OpBlock& block = *op.block;
  std::string operands = op.operands < 0    ? "one or more operands"
                         : op.operands == 1 ? "1 operand"
                                            : fmt::format("{} operands", op.operands);
  std::string text = fmt::format("### {}\n\n{} ({}).\n\n", op.name, block.summary, operands);
  if (!block.formula.empty())
    text += fmt::format("- formula: `{}`\n", block.formula);
  if (!block.domain.empty())
    text += fmt::format("- domain: {}\n", block.domain);
  for (Attr attr : block.attributes)
    text += fmt::format("- attribute `{}`: {}\n", name(attr), summary(attr));
  if (op.kind == OpKind::Pointwise || op.f32_ulp != 0)
    text += op.f32_ulp == op.f64_ulp
                ? fmt::format("- accuracy: {}\n", bound(op.f32_ulp))
                : fmt::format("- accuracy: f32 {}, f64 {}\n", bound(op.f32_ulp), bound(op.f64_ulp));
  text += fmt::format("- derivative: {}\n", derivative(block));
  for (const SimplifyRule& rule : block.simplifications)
    text += fmt::format("- simplifies: `{}`\n", rule.text);
  return text + "\n";
}

} // namespace

std::string op_reference(const std::string& only) {
  if (!only.empty()) {
    Opcode op;
    if (find_opcode(only, op))
      return describe(info(op));
    std::vector<std::string> known;
    for (int i = 0; i < opcode_count; ++i)
      known.emplace_back(name(static_cast<Opcode>(i)));
    throw Error(ErrorCode::usage,
                fmt::format("unknown op '{}'{}", only, did_you_mean(only, known)));
  }
  std::string text =
      "# Ops\n\nGenerated from the op table by `gdjit doc ops`. Measured errors of the elementary "
      "functions: lib/Ops/ACCURACY.md.\n\n";
  for (const KindText& kind : kinds) {
    text += fmt::format("## {}\n\n{}\n\n", kind.title, kind.text);
    for (int i = 0; i < opcode_count; ++i)
      if (const OpInfo& op = info(static_cast<Opcode>(i)); op.kind == kind.kind)
        text += describe(op);
  }
  return text;
}

} // namespace gdjit
