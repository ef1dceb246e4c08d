// gdjit doc: the reference pages that follow from tables.
#include "Tool.h"

#include "gdjit/Driver/Compile.h"
#include "gdjit/Driver/OpReference.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Suggest.h"

namespace gdjit::tool {

namespace {

std::string doc_passes() {
  std::string text = "# Passes\n\nIn the order they run; generated from lib/Driver/Passes.def by "
                     "`gdjit doc passes`.\n\n"
                     "| pass | from | to | | what it does |\n|---|---|---|---|---|\n";
  for (const Pass& pass : passes())
    text += fmt::format("| {} | {} | {} | {}{} | {} |\n", pass.name, name(pass.needs),
                        name(pass.provides), pass.need == Need::required ? "required" : "optional",
                        pass.effect == Effect::improves ? ", improves bits" : "", pass.summary);
  return text;
}

std::string doc_stages() {
  static constexpr const char* texts[stage_count] = {
      "Graph IR: what the user wrote, verbatim",
      "Graph IR: training or evaluation chosen, made numerically safe, every gradient expanded",
      "Graph IR: exact rewrites only",
      "Graph IR: the nodes partitioned into named kernels",
      "Loop IR: each kernel as one would write it by hand",
      "Loop IR: register tiles, vectors, threads",
      "Loop IR: every buffer in its place in the arena",
      "LLVM IR as emitted",
      "LLVM IR behind LLVM's passes",
      "native code, printed as assembly",
  };
  std::string text = "# Stages\n\n| stage | what it is | text |\n|---|---|---|\n";
  for (int i = 0; i < stage_count; ++i) {
    Stage stage = static_cast<Stage>(i);
    text += fmt::format("| {} | {} | {} |\n", name(stage), texts[i],
                        stage <= Stage::Planned  ? ".gdir, reads back by `gdjit opt`"
                        : stage == Stage::Object ? ".s"
                                                 : ".ll");
  }
  return text;
}

void doc(const std::string& page, const std::string& word) {
  static const std::vector<std::string> known = {"ops", "passes", "stages"};
  if (page == "ops")
    return write_output(op_reference(word));
  if (!word.empty())
    throw Error(ErrorCode::usage, fmt::format("doc {}: '{}' is one argument too many", page, word));
  if (page == "passes")
    return write_output(doc_passes());
  if (page == "stages")
    return write_output(doc_stages());
  throw Error(ErrorCode::usage, fmt::format("unknown page '{}', there are {}{}", page,
                                            fmt::join(known, ", "), did_you_mean(page, known)));
}

} // namespace

void add_doc(CLI::App& app, Tool&) {
  CLI::App* command =
      app.add_subcommand("doc", "Reference pages, as Markdown: ops, passes, stages.\n\n"
                                "  gdjit doc ops\n  gdjit doc ops matmul\n  gdjit doc passes");
  auto page = std::make_shared<std::string>();
  auto word = std::make_shared<std::string>();
  command->add_option("page", *page, "ops, passes or stages")->required()->type_name("PAGE");
  command->add_option("name", *word, "one op")->type_name("OP");
  command->callback([page, word] { doc(*page, *word); });
}

} // namespace gdjit::tool
