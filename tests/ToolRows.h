// Models without rows of their own, and rows for them, as a user has them in files.
#pragma once

#include "RunTool.h"

namespace gdjit::test {

inline constexpr const char* scores_models = R"(#include <gdjit/gdjit.h>
using namespace gdjit;

void scores(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch(), 1});
  Linear fc(m, "fc", 3, 1);
  Tensor h = fc(x);
  m.minimize(mse_loss(h, y), SGD{.lr = 1e-5, .momentum = m.option("momentum", 0.5)});
  m.output("final", h);
}
GDJIT_MODEL(scores, "a final exam from three quizzes");

void pass(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch(), 1});
  Linear fc(m, "fc", 3, 1);
  m.watch("sum", fc(x));
  Tensor p = 1 / (1 + exp(-fc(x)));
  m.minimize(binary_cross_entropy(p, y), Adam{.lr = 0.05});
  m.output("p", p);
}
GDJIT_MODEL(pass, "pass or fail, the sigmoid written out");

void grades(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch()}, DType::i32);
  Linear fc(m, "fc", 3, 3);
  Tensor z = fc(x);
  m.minimize(cross_entropy(z, y), Adam{.lr = 0.05});
  m.output("grade", argmax(z, -1));
  m.output("shares", softmax(z));
}
GDJIT_MODEL(grades, "A, B or C");

// All that a run keeps matters: momentum, running statistics, draws by seed and step.
void noisy(Model& m) {
  Tensor x = m.input("x", {m.batch(), 3}), y = m.input("y", {m.batch(), 1});
  Linear a(m, "a", 3, 4), b(m, "b", 4, 1);
  BatchNorm norm(m, "norm", 4);
  Dropout drop(m, "drop", m.option("drop", 0.3));
  Tensor h = b(drop(relu(norm(a(x / 100.0))))) * 100.0;
  m.minimize(mse_loss(h, y), AdamW{.lr = 0.01});
  m.output("final", h);
}
GDJIT_MODEL(noisy, "dropout and batch norm");
)";

inline std::string scores_file(const std::string& model) {
  return models_file("scores/scores.cpp", scores_models) + ":" + model;
}

inline constexpr const char* scores_csv = R"(# made up
quiz1,quiz2,quiz3,final,passed,grade
70,81,77,153,1,B
92,88,94,184,1,A
88,90,91,181,1,A
95,99,97,195,1,A
72,67,71,141,0,B
53,47,50,103,0,C
79,71,74,150,1,B
46,58,63,116,0,C
66,69,70,139,0,B
88,93,84,177,1,A
61,66,58,121,0,C
)";

/// Its first columns, without the comment.
inline std::string scores_of(int columns) {
  std::string text = scores_csv, result;
  for (size_t at = text.find('\n') + 1; at < text.size();) {
    size_t end = text.find('\n', at), cut = at;
    for (int c = 0; c < columns; ++c)
      cut = std::min(text.find(',', cut + 1), end);
    result += text.substr(at, cut - at) + "\n";
    at = end + 1;
  }
  return result;
}

} // namespace gdjit::test
