// Texts that use every construct come back byte for byte; broken ones are errors, never crashes.
#include "gdjit/Driver/ReadStep.h"

#include "SameStep.h"
#include "SampleText.h"
#include "gdjit/IR/Text.h"
#include "gdjit/Loop/Text.h"

#include <gtest/gtest.h>

#include <random>

namespace gdjit {
namespace {

using testing::graph_text;
using testing::loop_text;

std::string print_again(std::string_view text) {
  TextStep read = read_step(text, "t.gdir");
  return read.stage <= Stage::Fused ? print(read.step) : print(read.program);
}

/// Reads a text that may be broken: it must give a message, or something that prints and reads
/// back.
void survive(const std::string& text) {
  try {
    std::string printed = print_again(text);
    EXPECT_EQ(print_again(printed), printed) << "from:\n" << text;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::graph) << error.what();
    EXPECT_FALSE(std::string(error.what()).empty());
  }
}

TEST(ReadStep, PrintsAGraphThatUsesEveryConstructAsItWasRead) {
  EXPECT_EQ(print_again(graph_text), graph_text);
}

/// Loops as they are printed: numbers and values used once stand in place, the others are numbered
/// in order, and a note that is left without a line stands in front.
constexpr std::string_view loops_printed = R"gdir(note @8 ""

kernel k0 "x·w" {
  parallel for i in 0..6 {                              @5 matmul (05.cpp:12:28)
    for j in 0..16 step 16 {
      streaming store t[i, j+lane] = mul (load x[i, j+lane] : f32x16), (load w[j+lane] : f32x16)  @5 matmul (05.cpp:12:28)
    }
  }
} because "the sum needs all of t"

kernel k1 "loss, update" {
  tile t0[4] : f32x16 = -0.0                            @7 loss (backward 05.cpp:13:3)
  tile t1 : f64 = 1
  unrolled for i in 0..4 {
    for i1 in -1..5 step 3 {
      set t0[i] = add t0[i], (load t.view[16*i+4*i1+lane+4] : f32x16)
    }
  }
  store loss = (join add t0)
  %0 = lt (index lane+3 : i64x16), 7                    @9
  store w.next[lane+8] = fma (load w[lane+8] if %0 else 1e-45 : f32x16), table[1], 1e-45 if %0
  for k in 0..4 {
    %1 = load rows[k]                                   @12 gather ("a folder/05.cpp":14:9)
    %2 = ge %1, 7
    check %2 at k
    %3 = load x[%1, 3]
    set t1 = (convert %3 : f64)
    store "p of 1"[-k+3] = select %2, (bitcast (-2147483648 : i32)), %3
    prefetch t[5, 4*k]
  }
}

end
)gdir";

TEST(ReadStep, PrintsLoopsThatUseEveryStatementAsTheyWereRead) {
  std::string text = print_again(loop_text);
  std::string_view head = loop_text.substr(0, loop_text.find("\nkernel k0"));
  EXPECT_EQ(text, std::string(head) + std::string(loops_printed));
  EXPECT_EQ(print_again(text), text);
}

TEST(ReadStep, GivesBackAnEqualStep) {
  TextStep once = read_step(graph_text, "t.gdir");
  TextStep again = read_step(print(once.step), "other.gdir");
  testing::expect_same(once.step, again.step);
}

TEST(ReadStep, SkipsCommentsBlanksAndCarriageReturns) {
  std::string text = "; RUN: gdjit opt %s\n\n";
  for (char c : graph_text)
    text += c == '\n' ? "   ; a comment\r\n\t; another\n" : std::string(1, c);
  EXPECT_EQ(print_again(text), graph_text);
}

TEST(ReadStep, TellsTheStageAndFillsOnlyThatForm) {
  EXPECT_EQ(read_step(graph_text, "t.gdir").stage, Stage::Fused);
  TextStep loops = read_step(loop_text, "t.gdir");
  EXPECT_EQ(loops.stage, Stage::Planned);
  EXPECT_EQ(loops.program.kernels.size(), 2u);
  EXPECT_TRUE(loops.step.graph.empty());
}

TEST(ReadStep, EveryTruncationIsAnError) {
  for (std::string_view text : {graph_text, loop_text})
    for (size_t length = 0; length + 1 < text.size(); ++length) { // the last newline may be missing
      try {
        read_step(text.substr(0, length), "t.gdir");
        ADD_FAILURE() << "taken for a whole text: the first " << length << " bytes";
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::graph) << error.what();
      }
    }
}

TEST(ReadStep, RandomByteChangesNeverCrash) {
  std::mt19937_64 random(7);
  constexpr std::string_view alphabet = "0123456789-%#@:;,.=[](){}\"\\ \n\txifkt\0\xff";
  for (std::string_view text : {graph_text, loop_text})
    for (int round = 0; round < 4000; ++round) {
      std::string broken(text);
      for (uint64_t changes = 1 + random() % 4; changes > 0; --changes) {
        size_t at = random() % broken.size();
        switch (random() % 4) {
        case 0:
          broken[at] = static_cast<char>(random());
          break;
        case 1:
          broken[at] = alphabet[random() % alphabet.size()];
          break;
        case 2:
          broken.erase(at, 1 + random() % 8);
          break;
        default:
          broken.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        }
      }
      survive(broken);
    }
}

TEST(ReadStep, LinesShuffledDoubledOrLeftOutNeverCrash) {
  std::mt19937_64 random(11);
  for (std::string_view text : {graph_text, loop_text}) {
    std::vector<std::string> lines(1);
    for (char c : text) {
      lines.back() += c;
      if (c == '\n')
        lines.emplace_back();
    }
    for (int round = 0; round < 1500; ++round) {
      std::vector<std::string> changed = lines;
      size_t a = random() % changed.size(), b = random() % changed.size();
      if (round % 3 == 0)
        std::swap(changed[a], changed[b]);
      else if (round % 3 == 1)
        changed[a] = "";
      else
        changed.insert(changed.begin() + static_cast<long>(a), changed[b]);
      std::string broken;
      for (const std::string& line : changed)
        broken += line;
      survive(broken);
    }
  }
}

TEST(ReadStep, BinaryInputIsOneClearError) {
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string bytes;
    for (uint64_t size = random() % 300; size > 0; --size)
      bytes += static_cast<char>(random());
    EXPECT_THROW(read_step(bytes, "t.gdir"), Error);
  }
}

} // namespace
} // namespace gdjit
