// The printed form of a step, and of the signature that opens the text of every stage. The
// language: lib/IR/README.md.
#pragma once

#include "gdjit/IR/Step.h"

#include <string>

namespace gdjit {

/// Literals up to this many elements stand in the text; larger ones may go to a file beside it.
inline constexpr int64_t largest_inline_literal = 64;

/// What the caller of a printer adds to a text. This one adds nothing: every literal stands in the
/// text in full.
class TextExtras {
public:
  virtual ~TextExtras() = default;
  /// The user's own words at a place, printed as a comment that the parsers skip; "" for none.
  virtual std::string source(const SourceLocation& location);
  /// Called for a literal above largest_inline_literal: writes it to a file beside the text and
  /// returns the name of that file, which the parsers hand to their ArrayFiles; "" leaves the
  /// literal in the text. `hint` says what the literal is: "data.x", "node7", "state.w".
  virtual std::string store(const Array& array, const std::string& hint);
  /// The name, in this text, of a file of rows that the signature names as its own text did.
  virtual std::string refer(const std::string& file);
};

/// The lines before the body: version, stage, model, step, batch, inputs, scalars, states with
/// initial values, outputs, updates, rows.
std::string print_signature(const Signature& signature, Stage stage, TextExtras* extras = nullptr);
/// A whole step at a Graph IR stage. Parses back to an equal step (Ops/GraphParser.h).
std::string print(const Step& step, TextExtras* extras = nullptr);

} // namespace gdjit
