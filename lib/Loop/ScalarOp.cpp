// The scalar operations, run: one loop per operation and type over columns of elements held as
// bits.
//
// Each formula here is the definition to the bit that CodeGen must meet. Everything runs under the
// default rounding and subnormal mode, whatever the host has set.
#include "gdjit/Loop/ScalarOp.h"

#include "gdjit/Support/Error.h"
#include "gdjit/Support/FloatEnvironment.h"

#include <bit>
#include <cmath>
#include <string>
#include <type_traits>

namespace gdjit::loop {

namespace {

constexpr std::string_view names[] = {
#define GDJIT_SCALAR(enumerator, name, operands, summary) #name,
#include "gdjit/Loop/ScalarOps.def"
};

template <class T> T get(Bits bits) {
  if constexpr (std::is_same_v<T, bool>)
    return (bits & 1) != 0;
  else if constexpr (sizeof(T) == 4)
    return std::bit_cast<T>(static_cast<uint32_t>(bits));
  else
    return std::bit_cast<T>(bits);
}

template <class T> Bits put(T value) {
  if constexpr (std::is_same_v<T, bool>)
    return value ? 1 : 0;
  else if constexpr (sizeof(T) == 4)
    return std::bit_cast<uint32_t>(value);
  else
    return std::bit_cast<uint64_t>(value);
}

struct Columns {
  const Bits* a;
  const Bits* b;
  const Bits* c;
  Bits* out;
  int64_t count;
};

// Columns by value, so that a store into one cannot change where the others lie.
template <class T, class F> void map1(Columns x, F f) {
  for (int64_t i = 0; i < x.count; ++i)
    x.out[i] = put(f(get<T>(x.a[i])));
}
template <class T, class F> void map2(Columns x, F f) {
  for (int64_t i = 0; i < x.count; ++i)
    x.out[i] = put(f(get<T>(x.a[i]), get<T>(x.b[i])));
}
template <class T, class F> void map3(Columns x, F f) {
  for (int64_t i = 0; i < x.count; ++i)
    x.out[i] = put(f(get<T>(x.a[i]), get<T>(x.b[i]), get<T>(x.c[i])));
}

/// Calls f with a value of the C++ type of `type`; the sets of types that operations are defined
/// for.
template <class F> void with_float(DType type, F f) {
  GDJIT_CHECK(is_float(type));
  type == DType::f32 ? f(float{}) : f(double{});
}
template <class F> void with_integer(DType type, F f) {
  GDJIT_CHECK(is_integer(type));
  type == DType::i32 ? f(int32_t{}) : f(int64_t{});
}
template <class F> void with_number(DType type, F f) {
  is_float(type) ? with_float(type, f) : with_integer(type, f);
}
template <class F> void with_logical(DType type, F f) {
  type == DType::boolean ? f(bool{}) : with_integer(type, f);
}
template <class F> void with_any(DType type, F f) {
  type == DType::boolean ? f(bool{}) : with_number(type, f);
}

template <class F> void floats1(DType type, const Columns& x, F f) {
  with_float(type, [&](auto t) { map1<decltype(t)>(x, f); });
}
template <class F> void numbers1(DType type, const Columns& x, F f) {
  with_number(type, [&](auto t) { map1<decltype(t)>(x, f); });
}
template <class F> void numbers2(DType type, const Columns& x, F f) {
  with_number(type, [&](auto t) { map2<decltype(t)>(x, f); });
}
template <class F> void integers2(DType type, const Columns& x, F f) {
  with_integer(type, [&](auto t) { map2<decltype(t)>(x, f); });
}
template <class F> void logical2(DType type, const Columns& x, F f) {
  with_logical(type, [&](auto t) { map2<decltype(t)>(x, f); });
}
template <class F> void any2(DType type, const Columns& x, F f) {
  with_any(type, [&](auto t) { map2<decltype(t)>(x, f); });
}

template <class T> using Unsigned = std::make_unsigned_t<T>;

template <class T> T add(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<Unsigned<T>>(a) + static_cast<Unsigned<T>>(b));
  else
    return a + b;
}
template <class T> T sub(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<Unsigned<T>>(a) - static_cast<Unsigned<T>>(b));
  else
    return a - b;
}
template <class T> T mul(T a, T b) {
  if constexpr (std::is_integral_v<T>)
    return static_cast<T>(static_cast<Unsigned<T>>(a) * static_cast<Unsigned<T>>(b));
  else
    return a * b;
}
template <class T> T divide(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0)
      return 0;
    return b == -1 ? sub<T>(0, a) : static_cast<T>(a / b);
  } else {
    return a / b;
  }
}
template <class T> T remainder(T a, T b) { return sub(a, mul(divide(a, b), b)); }

template <class T> T negate(T a) {
  if constexpr (std::is_integral_v<T>)
    return sub<T>(0, a);
  else
    return -a;
}
template <class T> T absolute(T a) {
  if constexpr (std::is_integral_v<T>)
    return a < 0 ? negate(a) : a;
  else
    return std::fabs(a);
}

/// IEEE 754-2019 minimum and maximum.
template <class T> T minimum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b)
      return a + b;
    if (a == b)
      return std::signbit(a) ? a : b;
  }
  return a < b ? a : b;
}
template <class T> T maximum(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (a != a || b != b)
      return a + b;
    if (a == b)
      return std::signbit(a) ? b : a;
  }
  return a < b ? b : a;
}

/// In f64, which holds every product that matters exactly.
float scale_by_power(float a, float b) {
  constexpr float most = 400; // beyond it every a but 0 overflows or vanishes
  const float within = b < -most ? -most : b > most ? most : b == b ? b : 0;
  const auto exponent = static_cast<int64_t>(std::floor(within));
  auto factor = std::bit_cast<double>((exponent + 1023) << 52);
  if (std::isinf(b))
    factor = b > 0 ? static_cast<double>(b) : 0;
  return b == b ? static_cast<float>(static_cast<double>(a) * factor) : b;
}

template <class T> int masked(T count) {
  return static_cast<int>(static_cast<Unsigned<T>>(count) & (8 * sizeof(T) - 1));
}

void copy(Columns x, Bits keep) {
  for (int64_t i = 0; i < x.count; ++i)
    x.out[i] = x.a[i] & keep;
}

void choose(Columns x) {
  for (int64_t i = 0; i < x.count; ++i)
    x.out[i] = x.a[i] & 1 ? x.b[i] : x.c[i];
}

constexpr Bits low_bits = 0xffffffff;

/// The operations whose result has another type than their operands.
void change_type(ScalarOp op, DType result, DType operand, const Columns& x) {
  switch (op) {
  case ScalarOp::convert:
    return with_any(result, [&](auto to) {
      with_any(operand, [&](auto from) {
        map1<decltype(from)>(x, [](auto a) { return convert_element<decltype(to)>(a); });
      });
    });
  case ScalarOp::bitcast:
    GDJIT_CHECK(byte_size(result) == byte_size(operand) && result != DType::boolean);
    return copy(x, ~Bits{0});
  case ScalarOp::low32:
    GDJIT_CHECK(result == DType::i32 && operand == DType::i64);
    return copy(x, low_bits);
  case ScalarOp::zext:
    GDJIT_CHECK(result == DType::i64 && operand == DType::i32);
    return copy(x, low_bits);
  default:
    throw InternalError("scalar operation " + std::string(name(op)) + " has no value by itself");
  }
}

inline void dispatch(ScalarOp op, DType result, DType operand, const Columns& x) {
  switch (op) {
  case ScalarOp::add:
    return numbers2(operand, x, [](auto a, auto b) { return add(a, b); });
  case ScalarOp::sub:
    return numbers2(operand, x, [](auto a, auto b) { return sub(a, b); });
  case ScalarOp::mul:
    return numbers2(operand, x, [](auto a, auto b) { return mul(a, b); });
  case ScalarOp::div:
    return numbers2(operand, x, [](auto a, auto b) { return divide(a, b); });
  case ScalarOp::rem:
    return integers2(operand, x, [](auto a, auto b) { return remainder(a, b); });
  case ScalarOp::neg:
    return numbers1(operand, x, [](auto a) { return negate(a); });
  case ScalarOp::abs:
    return numbers1(operand, x, [](auto a) { return absolute(a); });
  case ScalarOp::fma:
    return with_float(operand, [&](auto t) {
      map3<decltype(t)>(x, [](auto a, auto b, auto c) { return std::fma(a, b, c); });
    });
  case ScalarOp::scaleb:
    GDJIT_CHECK(operand == DType::f32);
    return map2<float>(x, [](float a, float b) { return scale_by_power(a, b); });
  case ScalarOp::sqrt:
    return floats1(operand, x, [](auto a) { return std::sqrt(a); });
  case ScalarOp::floor:
    return floats1(operand, x, [](auto a) { return std::floor(a); });
  case ScalarOp::ceil:
    return floats1(operand, x, [](auto a) { return std::ceil(a); });
  case ScalarOp::trunc:
    return floats1(operand, x, [](auto a) { return std::trunc(a); });
  case ScalarOp::round:
    return floats1(operand, x, [](auto a) { return std::nearbyint(a); });
  case ScalarOp::min:
    return any2(operand, x, [](auto a, auto b) { return minimum(a, b); });
  case ScalarOp::max:
    return any2(operand, x, [](auto a, auto b) { return maximum(a, b); });
  case ScalarOp::eq:
    return any2(operand, x, [](auto a, auto b) { return a == b; });
  case ScalarOp::ne:
    return any2(operand, x, [](auto a, auto b) { return a != b; });
  case ScalarOp::lt:
    return any2(operand, x, [](auto a, auto b) { return a < b; });
  case ScalarOp::le:
    return any2(operand, x, [](auto a, auto b) { return a <= b; });
  case ScalarOp::gt:
    return any2(operand, x, [](auto a, auto b) { return a > b; });
  case ScalarOp::ge:
    return any2(operand, x, [](auto a, auto b) { return a >= b; });
  case ScalarOp::bit_and:
    return logical2(operand, x, [](auto a, auto b) { return static_cast<decltype(a)>(a & b); });
  case ScalarOp::bit_or:
    return logical2(operand, x, [](auto a, auto b) { return static_cast<decltype(a)>(a | b); });
  case ScalarOp::bit_xor:
    return logical2(operand, x, [](auto a, auto b) { return static_cast<decltype(a)>(a ^ b); });
  case ScalarOp::bit_not:
    return with_logical(operand, [&](auto t) {
      using T = decltype(t);
      map1<T>(x, [](T a) { return std::is_same_v<T, bool> ? T(!a) : T(a ^ T(-1)); });
    });
  case ScalarOp::shl:
    return integers2(operand, x, [](auto a, auto b) {
      using T = decltype(a);
      return static_cast<T>(static_cast<Unsigned<T>>(a) << masked(b));
    });
  case ScalarOp::ashr:
    return integers2(operand, x,
                     [](auto a, auto b) { return static_cast<decltype(a)>(a >> masked(b)); });
  case ScalarOp::lshr:
    return integers2(operand, x, [](auto a, auto b) {
      using T = decltype(a);
      return static_cast<T>(static_cast<Unsigned<T>>(a) >> masked(b));
    });
  case ScalarOp::select:
    return choose(x);
  default:
    return change_type(op, result, operand, x);
  }
}

// The same loops for three machines; wider vectors change no bit. Flatten, since what is called
// keeps to the instructions that every machine has.
[[gnu::flatten, gnu::target("avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]]
void dispatch_avx512(ScalarOp op, DType result, DType operand, const Columns& x) {
  dispatch(op, result, operand, x);
}
[[gnu::flatten, gnu::target("avx2,fma")]]
void dispatch_avx2(ScalarOp op, DType result, DType operand, const Columns& x) {
  dispatch(op, result, operand, x);
}
[[gnu::flatten]]
void dispatch_any(ScalarOp op, DType result, DType operand, const Columns& x) {
  dispatch(op, result, operand, x);
}

} // namespace

std::string_view name(ScalarOp op) { return names[static_cast<int>(op)]; }

bool find_scalar_op(std::string_view name, ScalarOp& op) {
  for (int i = 0; i < scalar_op_count; ++i)
    if (names[i] == name) {
      op = static_cast<ScalarOp>(i);
      return true;
    }
  return false;
}

Bits evaluate(ScalarOp op, DType result, DType operand, std::span<const Bits> operands) {
  GDJIT_CHECK(static_cast<int>(operands.size()) == operand_count(op));
  const Bits* column[3] = {};
  for (size_t i = 0; i < operands.size(); ++i)
    column[i] = &operands[i];
  Bits out = 0;
  evaluate_many(op, result, operand, column[0], column[1], column[2], &out, 1);
  return out;
}

void evaluate_many(ScalarOp op, DType result, DType operand, const Bits* a, const Bits* b,
                   const Bits* c, Bits* out, int64_t count) {
  FloatEnvironment environment;
  const Columns x{a, b, c, out, count};
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512vl"))
    dispatch_avx512(op, result, operand, x);
  else if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    dispatch_avx2(op, result, operand, x);
  else
    dispatch_any(op, result, operand, x);
}

} // namespace gdjit::loop
