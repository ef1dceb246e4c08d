// .npy files: what is written is read back, what NumPy has more of is converted where that is
// exact.
#include "gdjit/IO/Npy.h"

#include "Scratch.h"
#include "gdjit/IO/MappedFile.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <limits>

namespace gdjit {
namespace {

using test::Scratch;

std::string file_of(const std::string& type, const std::string& shape, std::string_view payload) {
  std::string header =
      "{'shape': " + shape + ", \"fortran_order\": False, 'descr': '" + type + "'}\n";
  std::string bytes("\x93NUMPY\x02\x00", 8);
  bytes += static_cast<char>(header.size());
  return bytes + std::string(3, '\0') + header + std::string(payload);
}

TEST(Npy, EveryTypeAndRankComesBackBitForBit) {
  for (DType type : {DType::f32, DType::f64, DType::i32, DType::i64, DType::boolean})
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{2, 3}, Shape{1, 2, 3, 4}}) {
      Array array({type, shape});
      for (int64_t i = 0; i < array.elements(); ++i)
        array.set(i, static_cast<double>(i % 7) - 1.5);
      std::string bytes = to_npy(array);
      EXPECT_TRUE(same_bits(from_npy(bytes, "a"), array)) << to_string(array.type());
      EXPECT_TRUE(same_bits(from_npy(bytes, "a", array.type()), array));
      EXPECT_EQ((bytes.size() - static_cast<size_t>(array.type().bytes())) % 64, 0u);
    }
}

TEST(Npy, OtherTypesAreConvertedExactly) {
  Array bytes = from_npy(file_of("|u1", "(3,)", "\x01\xff\x80"), "a");
  EXPECT_EQ(bytes.type(), (TensorType{DType::i32, {3}}));
  EXPECT_EQ(bytes.at(1), 255);
  EXPECT_EQ(from_npy(file_of("|i1", "(2,)", "\x01\xff"), "a").at(1), -1);
  EXPECT_EQ(from_npy(file_of("<u2", "(1,)", "\xff\xff"), "a").at(0), 65535);
  EXPECT_EQ(from_npy(file_of("<i2", "(1,)", "\xff\xff"), "a").at(0), -1);
  EXPECT_EQ(from_npy(file_of("<u4", "(1,)", "\xff\xff\xff\xff"), "a").at(0), 4294967295.0);
  EXPECT_EQ(from_npy(file_of("|b1", "(2,)", "\x02\x01"), "a").data<bool>()[0], true);
  std::string most(8, '\xff');
  EXPECT_THROW(from_npy(file_of("<u8", "(1,)", most), "a"), Error);
  most[7] = '\x7f';
  EXPECT_EQ(from_npy(file_of("<u8", "(1,)", most), "a").data<int64_t>()[0],
            std::numeric_limits<int64_t>::max());
  // 1, -2, the least subnormal, the greatest, infinity.
  Array half = from_npy(
      file_of("<f2", "(5,)", std::string_view("\x00\x3c\x00\xc0\x01\x00\xff\x7b\x00\x7c", 10)),
      "a");
  EXPECT_EQ(half.at(0), 1);
  EXPECT_EQ(half.at(1), -2);
  EXPECT_EQ(half.at(2), 0x1p-24);
  EXPECT_EQ(half.at(3), 65504);
  EXPECT_TRUE(std::isinf(half.at(4)));
}

TEST(Npy, NaNsAreStoredAsOne) {
  Array array({DType::f32, {2}});
  uint32_t odd = 0xffc12345;
  std::memcpy(array.data<float>() + 1, &odd, 4);
  std::string bytes = to_npy(array);
  EXPECT_EQ(bytes.substr(bytes.size() - 4), std::string("\x00\x00\xc0\x7f", 4));
}

TEST(Npy, LargeFilesAreMappedAndSmallOnesRead) {
  Scratch folder;
  Array large({DType::f64, {1 << 18}}), small({DType::f64, {4}});
  large.set(7, 0.1);
  write_npy(folder.file("large.npy"), TensorView("", large));
  write_npy(folder.file("small.npy"), TensorView("", small));
  SharedArray mapped = read_npy(folder.file("large.npy"));
  EXPECT_TRUE(same_bits(mapped.view("").copy(), large));
  std::string maps = read_file("/proc/self/maps");
  EXPECT_NE(maps.find("large.npy"), std::string::npos);
  SharedArray read = read_npy(folder.file("small.npy"));
  EXPECT_EQ(read_file("/proc/self/maps").find("small.npy"), std::string::npos);
}

TEST(MappedFile, NoticesThatItsFileChanged) {
  Scratch folder;
  std::string path = folder.write("a", "12345");
  auto mapped = MappedFile::open(path);
  EXPECT_EQ(mapped->bytes(), "12345");
  EXPECT_NO_THROW(mapped->require_unchanged());
  std::ofstream(path, std::ios::app) << "6";
  EXPECT_THROW(mapped->require_unchanged(), Error);
}

} // namespace
} // namespace gdjit
