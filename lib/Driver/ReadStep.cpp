// A whole text: the signature, then the body of its stage.
#include "gdjit/Driver/ReadStep.h"

#include "gdjit/IR/SignatureParser.h"
#include "gdjit/Loop/Parser.h"
#include "gdjit/Ops/GraphParser.h"
#include "gdjit/Ops/Verifier.h"

#include <fmt/format.h>

namespace gdjit {

TextStep read_step(std::string_view text, const std::string& file, ArrayFiles* files) {
  TextReader reader(text, file, files);
  Signature signature;
  TextStep result;
  parse_signature(reader, type_rules(), signature, result.stage);
  if (result.stage >= Stage::Loops) {
    result.program.signature = std::move(signature);
    result.program.stage = result.stage;
    loop::parse_body(reader, result.program);
    return result;
  }
  result.step.signature = std::move(signature);
  result.step.stage = result.stage;
  parse_graph(reader, result.step);
  Diagnostics diagnostics;
  verify(result.step, diagnostics);
  for (const Diagnostic& diagnostic : diagnostics.all())
    reader.report({diagnostic.message,
                   diagnostic.location.known() ? diagnostic.location : SourceLocation{file, 0, 0},
                   diagnostic.notes});
  reader.throw_if_any();
  return result;
}

Error no_step_for(int64_t own, const std::string& rows, const std::string& batch) {
  return {ErrorCode::graph,
          fmt::format("this text holds a step for {} rows, not for {}; dump the model again with "
                      "--batch {}, or take the model itself, which is compiled for any number",
                      own, rows, batch)};
}

} // namespace gdjit
