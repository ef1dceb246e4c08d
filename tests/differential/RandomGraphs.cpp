// Random graphs over all ops, types and shapes: 2,000 a run, each at one level and target drawn by
// its seed.
//
// GDJIT_SEED=n runs the graph of one seed alone; GDJIT_GRAPHS=n that many per shard.
#include "Chain.h"
#include "RandomStep.h"
#include "unit/Ops/Cases.h"

#include "gdjit/Driver/ReadStep.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Ops/Op.h"
#include "gdjit/Transforms/VerifyValues.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>

using namespace gdjit;
using namespace gdjit::testing;

namespace {

constexpr uint64_t shards = 8;

uint64_t number(const char* variable, uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// Runs the chain for one seed; false where it broke.
bool holds(uint64_t seed, const std::vector<CodeChoice>& choices) {
  Step step = random_step(seed);
  CodeChoice choice = choices[seed * 7919 % choices.size()];
  if (seed % 2 == 0)
    force(choice, seed);
  CallArguments arguments =
      random_arguments(step.signature, seed, index_bound(step.graph) + (seed % 16 == 0), true);
  std::string broken = broken_link(step, arguments, {choice});
  if (broken.empty())
    return true;
  Reduced reduced = reduce(step, arguments, choice);
  ADD_FAILURE() << "seed " << seed << ", target " << choice.target << ", level " << choice.level
                << ": " << broken
                << "\nreduced: " << broken_link(reduced.step, reduced.arguments, {choice})
                << "\nwritten to " << write_reproducer(reduced, seed) << "\n"
                << print(reduced.step);
  return false;
}

class RandomGraphs : public ::testing::TestWithParam<uint64_t> {};

TEST_P(RandomGraphs, give_the_same_bits_at_every_stage_and_as_native_code) {
  std::vector<CodeChoice> choices = code_choices();
  ASSERT_FALSE(choices.empty());
  if (uint64_t seed = number("GDJIT_SEED", 0)) {
    if (GetParam() == 0)
      holds(seed, choices);
    return;
  }
  uint64_t graphs = number("GDJIT_GRAPHS", 250), first = 1 + GetParam() * 1'000'000;
  RecordProperty("first_seed", std::to_string(first));
  int failures = 0;
  for (uint64_t seed = first; seed < first + graphs && failures < 3; ++seed)
    failures += !holds(seed, choices);
  std::printf("seeds %llu to %llu\n", static_cast<unsigned long long>(first),
              static_cast<unsigned long long>(first + graphs - 1));
}

INSTANTIATE_TEST_SUITE_P(Shard, RandomGraphs, ::testing::Range<uint64_t>(0, shards));

TEST(RandomSteps, are_the_same_for_the_same_seed_and_hold_every_op) {
  std::set<Opcode> seen;
  std::set<int> ranks;
  std::set<DType> types;
  bool empty = false;
  for (uint64_t seed = 1; seed <= 400; ++seed) {
    Step step = random_step(seed);
    if (seed <= 20)
      EXPECT_EQ(print(step), print(random_step(seed)));
    for (NodeId n = 0; n < step.graph.size(); ++n) {
      seen.insert(step.graph.op(n));
      ranks.insert(step.graph.type(n).shape.rank());
      types.insert(step.graph.type(n).dtype);
      empty |= step.graph.type(n).elements() == 0;
    }
  }
  for (int i = 0; i < opcode_count; ++i)
    EXPECT_TRUE(seen.count(static_cast<Opcode>(i))) << name(static_cast<Opcode>(i));
  EXPECT_EQ(types.size(), static_cast<size_t>(dtype_count));
  for (int rank = 0; rank <= 6; ++rank)
    EXPECT_TRUE(ranks.count(rank)) << rank;
  EXPECT_TRUE(empty);
}

/// An op with the types of its operands and its result; a list of equal operands counts as one.
std::string key(const Graph& graph, NodeId n) {
  std::string text(name(graph.op(n)));
  size_t last = operand_count(graph.op(n)) < 0 ? std::min<size_t>(1, graph.operands(n).size())
                                               : graph.operands(n).size();
  for (size_t i = 0; i < last; ++i)
    text += " " + std::string(name(graph.type(graph.operands(n)[i]).dtype));
  return text + " -> " + std::string(name(graph.type(n).dtype));
}

TEST(RandomSteps, of_one_run_hold_every_op_at_every_type_it_allows) {
  std::set<std::string> seen, allowed;
  for (uint64_t shard = 0; shard < shards; ++shard)
    for (uint64_t i = 0; i < 250; ++i) {
      Step step = random_step(1 + shard * 1'000'000 + i);
      for (NodeId n = 0; n < step.graph.size(); ++n)
        seen.insert(key(step.graph, n));
    }
  std::mt19937_64 random(1);
  for (int i = 0; i < opcode_count; ++i)
    for (DType dtype : all_dtypes)
      for (const Case& c : cases(static_cast<Opcode>(i), dtype)) {
        Bench bench;
        Built built = build(bench, c, random);
        allowed.insert(key(bench.graph(), built.result.node));
      }
  EXPECT_GT(allowed.size(), 250u);
  std::string missing;
  for (const std::string& k : allowed)
    if (!seen.count(k))
      missing += k + "\n";
  EXPECT_EQ(missing, "");
}

/// Every float subtraction becomes an addition.
void spoil(std::vector<loop::Statement>& body) {
  for (loop::Statement& s : body) {
    if (s.kind == loop::StatementKind::Compute && s.op == loop::ScalarOp::sub &&
        is_float(s.type.dtype))
      s.op = loop::ScalarOp::add;
    spoil(s.body);
  }
}
loop::Program spoiled(loop::Program program) {
  for (loop::Kernel& kernel : program.kernels)
    spoil(kernel.body);
  return program;
}

TEST(Reduction, of_a_planted_fault_leaves_a_few_nodes_in_a_file_that_shows_it) {
  CodeChoice choice = code_choices().front();
  int reductions = 0;
  for (uint64_t seed = 1; seed < 100 && reductions < 5; ++seed) {
    Step step = random_step(seed);
    CallArguments arguments = random_arguments(step.signature, seed, index_bound(step.graph));
    if (!broken_link(step, arguments, {choice}, true, spoiled).starts_with("stage planned"))
      continue;
    ++reductions;
    Reduced reduced = reduce(step, arguments, choice, spoiled);
    EXPECT_LT(reduced.step.graph.size(), step.graph.size());
    EXPECT_LE(reduced.step.graph.size(), 8u) << print(reduced.step);
    std::string path = write_reproducer(reduced, seed), text;
    {
      std::ifstream file(path);
      text.assign(std::istreambuf_iterator<char>(file), {});
    }
    Step again = read_step(text, path).step;
    EXPECT_TRUE(
        broken_link(again, reduced.arguments, {choice}, true, spoiled).starts_with("stage planned"))
        << text;
    EXPECT_EQ(broken_link(again, reduced.arguments, {choice}), "") << "without the fault it holds";
    std::filesystem::remove(path);
  }
  EXPECT_EQ(reductions, 5);
}

} // namespace
