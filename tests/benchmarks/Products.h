// Single matrix products: gdjit's step of one product beside oneDNN and OpenBLAS.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gdjit::benchmarks {

/// c[m,n] = a[m,k] b[k,n]; an operand that is transposed lies in memory as [k,m], [n,k].
struct Product {
  int64_t m, n, k;
  bool transpose_a = false, transpose_b = false;

  std::string name() const;
  double flops() const { return 2.0 * static_cast<double>(m * n) * static_cast<double>(k); }
};

/// One implementation, ready to be run again and again on the same data.
struct Contestant {
  std::string name;
  std::function<void()> run; ///< empty where the library has nothing for the product
};

/// gdjit, oneDNN, OpenBLAS, libxsmm (or none), each on one thread, checked to give the same product
/// within rounding.
std::vector<Contestant> contestants(const Product& product);

/// The sizes of layers of small networks, forward and backward, and some that are awkward.
std::vector<Product> products();

} // namespace gdjit::benchmarks
