// Files with random bytes changed are read or refused by an Error; nothing else happens.
#include "Scratch.h"
#include "gdjit/Data/Checkpoint.h"
#include "gdjit/Data/Table.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/IO/Safetensors.h"
#include "gdjit/Support/Error.h"

#include <gtest/gtest.h>
#include <random>

namespace gdjit {
namespace {

/// Changes, cuts, repeats: `read` may throw Error only.
template <class F> void damage(const std::string& good, F read) {
  std::mt19937 random(5);
  auto below = [&](size_t n) { return n == 0 ? 0 : random() % n; };
  static constexpr std::string_view likely = "0123456789,;\t \n\r\"'#-+.eE:[]{}()\0\xff\x80nai";
  int refused = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string bytes = good;
    for (size_t n = 1 + below(6); n > 0 && !bytes.empty(); --n) {
      size_t at = below(bytes.size());
      switch (below(5)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes[at] = likely[below(likely.size())];
        break;
      case 2:
        bytes.erase(at, 1 + below(5));
        break;
      case 3:
        bytes.insert(at, bytes.substr(below(bytes.size()), 1 + below(20)));
        break;
      default:
        bytes.insert(at, 1, likely[below(likely.size())]);
      }
    }
    try {
      read(bytes);
    } catch (const Error& error) {
      ++refused;
      EXPECT_TRUE(error.code() == ErrorCode::data || error.code() == ErrorCode::usage);
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(Damage, TablesAreReadOrRefused) {
  std::string csv = "# c\na,b,kind\n1,2.5,x\n-3e4,4,\"y\"\n5,6,x\n";
  damage(csv, [](const std::string& bytes) {
    parse_table(bytes, "a", {.classes = "3", .threads = 2, .block_bytes = 16});
  });
}

TEST(Damage, ArraysAreReadOrRefused) {
  damage(to_npy(Array({DType::i32, {2, 3}}, {1, 2, 3, 4, 5, 6})),
         [](const std::string& bytes) { from_npy(bytes, "a"); });
}

TEST(Damage, CheckpointsAreReadOrRefused) {
  test::Scratch folder;
  State state({"w", "n"}, {Array({DType::f32, {2, 3}}), Array({DType::i64, {}})});
  save_checkpoint(folder.file("a"), state,
                  {.scalings = {{"x", {}, {1}, {2}}}, .labels = {{"k", {"l"}}}});
  damage(read_file(folder.file("a")), [&](const std::string& bytes) {
    Safetensors file = Safetensors::parse(bytes, "a");
    for (const StoredArray& array : file.arrays())
      file.read(array);
    file.verify();
    load_checkpoint(folder.write("b", bytes), state);
  });
}

} // namespace
} // namespace gdjit
