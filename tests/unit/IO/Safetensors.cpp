// safetensors: round trip, and headers that lie.
#include "gdjit/IO/Safetensors.h"

#include "Scratch.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>

namespace gdjit {
namespace {

using test::Scratch;
using ::testing::HasSubstr;

std::string with_header(const std::string& header, size_t payload = 0, uint64_t length = 0) {
  if (length == 0)
    length = header.size();
  std::string bytes;
  for (int i = 0; i < 8; ++i)
    bytes += static_cast<char>(length >> 8 * i & 0xff);
  return bytes + header + std::string(payload, '\0');
}

std::string error_of(std::string_view bytes) {
  try {
    Safetensors::parse(bytes, "a.st");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "no error";
}

std::string sample(const Scratch& folder) {
  Array w({DType::f32, {2, 3}}, {1, 2, 3, 4, 5, 6}), n({DType::i64, {}}, {7}),
      b({DType::boolean, {3}}, {1, 0, 1}), e({DType::f64, {0, 4}});
  std::vector<TensorView> all{{"w", w}, {"flags", b}, {"n", n}, {"none", e}};
  write_safetensors(folder.file("a.st"), all, {{"note", "größer \"x\""}});
  return folder.file("a.st");
}

TEST(Safetensors, WhatIsWrittenIsReadBack) {
  Scratch folder;
  Safetensors file = Safetensors::open(sample(folder));
  EXPECT_TRUE(file.verify());
  ASSERT_EQ(file.arrays().size(), 4u);
  EXPECT_TRUE(
      same_bits(file.read(*file.find("w")), Array({DType::f32, {2, 3}}, {1, 2, 3, 4, 5, 6})));
  EXPECT_EQ(file.read(*file.find("n")).at(0), 7);
  EXPECT_EQ(file.read(*file.find("none")).type(), (TensorType{DType::f64, {0, 4}}));
  EXPECT_EQ(*file.metadata("note"), "größer \"x\"");
  EXPECT_EQ(file.find("v"), nullptr);
}

TEST(Safetensors, EveryArrayIsAlignedToItsElements) {
  Scratch folder;
  std::string bytes = read_file(sample(folder));
  size_t header =
      static_cast<unsigned char>(bytes[0]) + 256u * static_cast<unsigned char>(bytes[1]);
  EXPECT_EQ(header % 8, 0u);
  Safetensors file = Safetensors::parse(bytes, "a");
  for (const StoredArray& array : file.arrays())
    EXPECT_EQ(array.begin % static_cast<size_t>(byte_size(array.type.dtype)), 0u);
}

TEST(Safetensors, EveryFlippedBitIsNoticed) {
  Scratch folder;
  std::string bytes = read_file(sample(folder));
  Safetensors good = Safetensors::parse(bytes, "a");
  for (size_t i = 0; i < bytes.size(); ++i)
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = bytes;
      flipped[i] = static_cast<char>(flipped[i] ^ 1 << bit);
      try {
        Safetensors file = Safetensors::parse(flipped, "a");
        // Without its key a file is one without checksums, as of other writers.
        if (file.verify()) {
          // Blanks within the header alone say nothing.
          for (const StoredArray& array : good.arrays())
            EXPECT_TRUE(same_bits(file.read(*file.find(array.name)), good.read(array))) << i;
          EXPECT_EQ(file.metadata(), good.metadata()) << i;
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), ErrorCode::data);
      }
    }
}

TEST(Safetensors, EveryTruncationIsNoticed) {
  Scratch folder;
  std::string bytes = read_file(sample(folder));
  for (size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(Safetensors::parse(std::string_view(bytes).substr(0, size), "a"), Error) << size;
  EXPECT_THAT(error_of(bytes + "x"), HasSubstr("longer than its header says"));
}

TEST(Safetensors, HostileHeadersAreRefused) {
  EXPECT_THAT(error_of("abc"), HasSubstr("a.st: no safetensors file: it has 3 bytes"));
  EXPECT_THAT(error_of(std::string(16, '\xff')), HasSubstr("the length of its header"));
  EXPECT_THAT(error_of(with_header("{}", 0, 1000)), HasSubstr("truncated: its header has 1000"));
  EXPECT_THAT(error_of(with_header("hello")), HasSubstr("no JSON object"));
  EXPECT_THAT(error_of(with_header("{\"a\"")), HasSubstr("no JSON"));
  EXPECT_THAT(error_of(with_header("{\"a\":" + std::string(100'000, '['))), HasSubstr("nested"));
  std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  EXPECT_THAT(error_of(with_header("{" + a + "," + a + "}", 4)), HasSubstr("names 'a' twice"));
  EXPECT_THAT(error_of(with_header(
                  "{" + a + R"(,"b":{"dtype":"F32","shape":[2],"data_offsets":[2,10]}})", 10)),
              HasSubstr("overlap: 'a' and 'b'"));
  EXPECT_THAT(error_of(with_header(
                  "{" + a + R"(,"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}})", 12)),
              HasSubstr("leave a hole between 'a' and 'b'"));
  EXPECT_THAT(error_of(with_header("{" + a + "}", 3)), HasSubstr("truncated"));
  auto of = [](const std::string& entry) {
    return error_of(with_header("{\"a\":" + entry + "}", 4));
  };
  EXPECT_THAT(of("1"), HasSubstr("no dtype, shape and data_offsets"));
  EXPECT_THAT(of(R"({"dtype":"F32","shape":[-1],"data_offsets":[0,4]})"),
              HasSubstr("as they should"));
  EXPECT_THAT(of(R"({"dtype":"F32","shape":[1e30],"data_offsets":[0,4]})"),
              HasSubstr("as they should"));
  EXPECT_THAT(of(R"({"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]})"),
              HasSubstr("its shape"));
  EXPECT_THAT(of(R"({"dtype":"F32","shape":[1],"data_offsets":[4,0]})"),
              HasSubstr("its offsets are 4 and 0"));
  EXPECT_THAT(of(R"({"dtype":"BF16","shape":[2],"data_offsets":[0,4]})"),
              HasSubstr("'a': elements of type BF16 are not read"));
  EXPECT_THAT(error_of(with_header(R"({"__metadata__":{"a":1}})")),
              HasSubstr("metadata 'a' is no text"));
}

} // namespace
} // namespace gdjit
