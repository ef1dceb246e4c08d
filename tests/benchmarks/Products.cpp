// Row-major products by four libraries, on the same operands.
#include "Products.h"

#include "StepBuilder.h"
#include "gdjit/Driver/Compile.h"
#include "gdjit/JIT/Executable.h"

#include <cblas.h>
#include <cmath>
#include <dnnl.h>
#include <fmt/format.h>
#include <libxsmm.h>
#include <stdexcept>

namespace gdjit::benchmarks {

namespace {

std::shared_ptr<Array> draw(int64_t rows, int64_t columns, uint64_t state) {
  auto array = std::make_shared<Array>(TensorType{DType::f32, Shape{rows, columns}});
  for (int64_t i = 0; i < array->elements(); ++i) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    array->data<float>()[i] = static_cast<float>(state >> 40) * 0x1p-24f - 0.5f;
  }
  return array;
}

/// The greatest difference, as a part of what rounding may make of k products.
double distance(const Array& a, const float* b, int64_t k) {
  double greatest = 0;
  for (int64_t i = 0; i < a.elements(); ++i)
    greatest = std::max(greatest, std::fabs(static_cast<double>(a.data<float>()[i]) - b[i]));
  return greatest / (static_cast<double>(k) * 0x1p-24);
}

/// Its kernel for columns that lie one behind another, as C^T = B^T A^T has them; empty where it
/// has none (1.17: for a transposed first operand of its own, our second).
std::function<void()> by_libxsmm(const Product& p, const std::shared_ptr<Array>& a,
                                 const std::shared_ptr<Array>& b, const std::shared_ptr<Array>& c) {
  const auto m = static_cast<int>(p.n), n = static_cast<int>(p.m), k = static_cast<int>(p.k);
  const int lda = p.transpose_b ? k : m, ldb = p.transpose_a ? n : k;
  const float alpha = 1, beta = 0;
  const int flags = (p.transpose_b ? LIBXSMM_GEMM_FLAG_TRANS_A : 0) |
                    (p.transpose_a ? LIBXSMM_GEMM_FLAG_TRANS_B : 0);
  libxsmm_smmfunction kernel =
      libxsmm_smmdispatch(m, n, k, &lda, &ldb, &m, &alpha, &beta, &flags, nullptr);
  if (kernel == nullptr)
    return {};
  return [=] { kernel(b->data<float>(), a->data<float>(), c->data<float>()); };
}

} // namespace

std::string Product::name() const {
  return fmt::format("{}x{}x{}{}", m, n, k,
                     transpose_a && transpose_b ? " TT"
                     : transpose_a              ? " TN"
                     : transpose_b              ? " NT"
                                                : " NN");
}

std::vector<Contestant> contestants(const Product& p) {
  auto a = p.transpose_a ? draw(p.k, p.m, 1) : draw(p.m, p.k, 1);
  auto b = p.transpose_b ? draw(p.n, p.k, 2) : draw(p.k, p.n, 2);

  testing::StepBuilder builder;
  Expr x = builder.input("a", a->type());
  Expr y = builder.input("b", b->type());
  builder.output("c", matmul(x, y, p.transpose_a, p.transpose_b));
  auto frame = std::make_shared<Frame>(compile(builder.step()).executable);
  frame->set_input(0, a->bytes());
  frame->set_input(1, b->bytes());

  openblas_set_num_threads(1);
  auto c = std::make_shared<Array>(TensorType{DType::f32, Shape{p.m, p.n}});
  const int64_t lda = p.transpose_a ? p.m : p.k, ldb = p.transpose_b ? p.k : p.n;
  auto blas = [=] {
    cblas_sgemm(CblasRowMajor, p.transpose_a ? CblasTrans : CblasNoTrans,
                p.transpose_b ? CblasTrans : CblasNoTrans, static_cast<int>(p.m),
                static_cast<int>(p.n), static_cast<int>(p.k), 1, a->data<float>(),
                static_cast<int>(lda), b->data<float>(), static_cast<int>(ldb), 0, c->data<float>(),
                static_cast<int>(p.n));
  };
  auto dnnl = [=] {
    dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1,
               a->data<float>(), lda, b->data<float>(), ldb, 0, c->data<float>(), p.n);
  };
  const std::function<void()> libxsmm = by_libxsmm(p, a, b, c);
  frame->run();
  for (const std::function<void()>& other :
       {std::function<void()>(blas), std::function<void()>(dnnl), libxsmm}) {
    if (!other)
      continue;
    other();
    if (!(distance(*c, static_cast<const float*>(frame->output(0)), p.k) < 1))
      throw std::runtime_error("the products of " + p.name() + " differ");
  }
  return {
      {"gdjit", [=] { frame->run(); }}, {"oneDNN", dnnl}, {"OpenBLAS", blas}, {"libxsmm", libxsmm}};
}

std::vector<Product> products() {
  return {
      {64, 128, 784},
      {64, 128, 784, false, true},
      {784, 128, 64, true},
      {784, 128, 64},
      {256, 512, 784},
      {256, 512, 784, false, true},
      {784, 512, 256, true},
      {784, 512, 256},
      {256, 512, 512},
      {256, 512, 512, false, true},
      {512, 512, 256, true},
      {1024, 1024, 1024},
      {64, 64, 64},
      {64, 64, 64, false, true},
      {64, 64, 64, true},
      {64, 10, 784},
      {784, 10, 64, true},
      {784, 10, 64},
      {64, 784, 10, false, true},
      {8, 16, 16},
      {8, 16, 16, false, true},
      {16, 16, 8, true},
      {64, 1, 784},
      {784, 1, 64, true},
  };
}

} // namespace gdjit::benchmarks
