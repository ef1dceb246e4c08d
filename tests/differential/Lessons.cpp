// The lessons: every model of every built example keeps its bits through the whole chain, at every
// level and target; and a row's outputs do not depend on its batch.
#include "ArenaBound.h"
#include "Chain.h"
#include "RowBits.h"

#include "gdjit/Driver/LoadModel.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

namespace gdjit::testing {
namespace {

std::vector<std::string> files() {
  std::vector<std::string> files;
  for (const auto& entry :
       std::filesystem::directory_iterator(GDJIT_BINARY_DIR "/lib/gdjit/examples"))
    if (entry.path().extension() == ".so")
      files.push_back(entry.path());
  std::ranges::sort(files);
  return files;
}

/// Calls `look` with each model of a lesson, in f32 and f64; counts them.
template <class Look> int for_each_model(const std::string& path, Look&& look) {
  int models = 0;
  ModelFile file = load_model_file(path);
  for (const ModelRow* row : file.models)
    for (DType dtype : {DType::f32, DType::f64}) {
      SCOPED_TRACE(file.name + ":" + row->name + " " + std::string(name(dtype)));
      look(*row, dtype);
      ++models;
    }
  return models;
}

/// Fewer rows than the 100,000 of lesson 4, smaller networks than those of lesson 7: interpreters
/// run them many times.
ModelOptions options_of(const ModelRow& row, DType dtype) {
  ModelOptions options = {.dtype = dtype, .name = row.name};
  for (OptionValue& option : Model(row.function, options).options()) {
    if (option.name == "rows")
      option.value = 300;
    if (option.name == "hidden")
      option.value = 8;
    options.options.push_back(option);
  }
  return options;
}

/// Arguments whose inputs are the model's own rows, where it has them, and states its first values'
/// neighbours.
CallArguments own_arguments(const Step& step) {
  CallArguments arguments = random_arguments(step.signature, 5, index_bound(step.graph));
  for (const Rows& rows : step.signature.data)
    if (rows.values && rows.values->type() == arguments.inputs[rows.input].type())
      arguments.inputs[rows.input] = *rows.values;
  return arguments;
}

class Lessons : public ::testing::TestWithParam<std::string> {};

TEST_P(Lessons, give_the_same_bits_at_every_stage_level_and_target) {
  std::vector<CodeChoice> choices = code_choices();
  ASSERT_GE(choices.size(), 3u);
  int models = for_each_model(GetParam(), [&](const ModelRow& row, DType dtype) {
    Model m(row.function, options_of(row, dtype));
    for (bool training : {true, false}) {
      Step step = (training ? m.training() : m.evaluation()).step();
      EXPECT_EQ(broken_link(step, own_arguments(step), choices, training), "");
      EXPECT_EQ(broken_link(step,
                            random_arguments(step.signature, 6, index_bound(step.graph), true),
                            {choices.back()}, training),
                "");
    }
  });
  EXPECT_GT(models, 0);
}

TEST_P(Lessons, give_a_row_the_same_bits_alone_and_in_any_batch) {
  int64_t outputs = 0;
  for_each_model(GetParam(), [&](const ModelRow& row, DType dtype) {
    outputs += expect_same_rows(Model(row.function, options_of(row, dtype)).evaluation(), row.line,
                                {7, 64});
  });
  EXPECT_GT(outputs, 0) << "every lesson has outputs per example";
}

TEST_P(Lessons, take_little_more_memory_than_is_live_at_once) {
  for_each_model(GetParam(), [&](const ModelRow& row, DType dtype) {
    Model m(row.function, {.dtype = dtype, .name = row.name});
    for (bool training : {true, false})
      expect_tight_arena((training ? m.training() : m.evaluation()).step(), training);
  });
}

INSTANTIATE_TEST_SUITE_P(Built, Lessons, ::testing::ValuesIn(files()), [](const auto& info) {
  return "lesson_" + std::filesystem::path(info.param).stem().string();
});

TEST(Built, all_nine_lessons_are) { EXPECT_EQ(files().size(), 9u); }

} // namespace
} // namespace gdjit::testing
