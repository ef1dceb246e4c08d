// --plot: pictures by gnuplot, and what keeps one from being drawn.
#include "Lessons.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

using namespace gdjit::test;
using testing::HasSubstr;
using testing::StartsWith;

namespace {

bool has_gnuplot() { return std::system("command -v gnuplot >/dev/null 2>&1") == 0; }

TEST(Plot, PicturesOfALineAndOfABorderAreDrawn) {
  if (!has_gnuplot())
    GTEST_SKIP() << "gnuplot is not installed";
  Scratch d;
  ToolRun line = run_tool(
      {"train", "01", "-q", "--plot", "fit=" + d.file("fit.svg"), "--plot", d.file("cost.svg")});
  EXPECT_EQ(line.code, 0) << line.err;
  for (const char* file : {"fit.svg", "cost.svg"}) {
    std::string svg = read_text(d.file(file));
    EXPECT_THAT(svg, StartsWith("<?xml"));
    EXPECT_THAT(svg, HasSubstr("</svg>"));
  }
  EXPECT_THAT(read_text(d.file("fit.svg")), HasSubstr("examples"));
  ToolRun border = run_tool({"train", "05", "-q", "--plot", "boundary=" + d.file("b.png")});
  EXPECT_EQ(border.code, 0) << border.err;
  EXPECT_THAT(read_text(d.file("b.png")), StartsWith("\x89PNG"));
}

TEST(Plot, TheFitIsThatOfTheOutputWhichTheLossCompares) {
  if (!has_gnuplot())
    GTEST_SKIP() << "gnuplot is not installed";
  Scratch d;
  d.write("m.cpp", R"cpp(#include <gdjit/gdjit.h>
using namespace gdjit;
void line(Model& m) {
  Tensor x = m.input("x", {m.batch()}), y = m.input("y", {m.batch()});
  Parameter w = m.parameter("w", zeros({})), b = m.parameter("b", zeros({}));
  Tensor halfway = w * x;
  m.output("halfway", halfway);
  m.output("answer", halfway + b);
  m.minimize(mse_loss(halfway + b, y), SGD{.lr = 0.01});
  m.data({{"x", {1, 2, 3}}, {"y", {2, 4, 6}}});
}
GDJIT_MODEL(line, "a line");
)cpp");
  ToolRun run = run_tool({"train", d.file("m.cpp"), "-q", "--plot", "fit=" + d.file("fit.svg")});
  EXPECT_EQ(run.code, 0) << run.err;
  const std::string fit = read_text(d.file("fit.svg"));
  EXPECT_NE(fit.find("answer"), std::string::npos);
  EXPECT_EQ(fit.find("halfway"), std::string::npos);
}

TEST(Plot, MistakesAreNamedBeforeTheRunAndLeaveNoFile) {
  Scratch d;
  struct Mistake {
    std::vector<std::string> words;
    std::map<std::string, std::string> environment;
    int code;
    const char* message;
  };
  const Mistake mistakes[] = {
      {{"train", "01", "--plot", d.file("x.gif")}, {}, 2, "ends neither in .svg nor in .png"},
      {{"train", "01", "--plot", "heart=" + d.file("x.svg")},
       {},
       2,
       "there is no picture 'heart', there are cost, fit, curve, boundary, histogram, images"},
      {{"train", "01", "--plot", d.file("x.svg")},
       {{"PATH", d.path()}},
       2,
       "gnuplot, which is not found; install the package gnuplot-nox"},
  };
  for (const Mistake& m : mistakes) {
    ToolRun run = run_tool(m.words, {.environment = m.environment});
    EXPECT_EQ(run.code, m.code) << run.err;
    EXPECT_THAT(run.err, HasSubstr(m.message));
    EXPECT_EQ(run.out, "");
  }
  EXPECT_FALSE(std::filesystem::exists(d.file("x.svg")));
}

TEST(Plot, AModelWithoutThePictureSaysWhichItHas) {
  if (!has_gnuplot())
    GTEST_SKIP() << "gnuplot is not installed";
  Scratch d;
  ToolRun run = run_tool({"train", "06", "-q", "--plot", "fit=" + d.file("x.svg")});
  EXPECT_EQ(run.code, 2);
  EXPECT_THAT(run.err, HasSubstr("model 'by_function' has no picture 'fit'"));
  EXPECT_THAT(run.err, HasSubstr("it has cost"));
}

} // namespace
