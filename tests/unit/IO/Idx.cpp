// IDX files of every type, plain and packed; those that are damaged or lie about themselves.
#include "gdjit/IO/Idx.h"

#include "Scratch.h"

#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gdjit {
namespace {

std::string big_endian(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes; i-- > 0;)
    text += static_cast<char>(value >> 8 * i);
  return text;
}

std::string header(uint8_t type, const std::vector<uint32_t>& extents) {
  std::string text = {0, 0, static_cast<char>(type), static_cast<char>(extents.size())};
  for (uint32_t extent : extents)
    text += big_endian(extent, 4);
  return text;
}

/// As gzip packs what it cannot make smaller: one stored block.
std::string packed(const std::string& plain) {
  uint32_t crc = ~0u;
  for (char c : plain) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit)
      crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  crc = ~crc;
  const auto size = static_cast<uint32_t>(plain.size());
  auto little_endian = [](uint32_t value, int bytes) {
    std::string text = big_endian(value, bytes);
    return std::string(text.rbegin(), text.rend());
  };
  return std::string("\x1f\x8b\x08\0\0\0\0\0\0\xff", 10) + '\1' + little_endian(size, 2) +
         little_endian(~size & 0xffff, 2) + plain + little_endian(crc, 4) + little_endian(size, 4);
}

std::string message_of(const std::string& bytes) {
  try {
    from_idx(bytes, "f.idx");
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "no error";
}

TEST(Idx, EveryTypeIsReadPlainAndPacked) {
  struct Case {
    uint8_t type;
    std::string elements;
    DType dtype;
    double first, second;
  };
  for (const Case& c :
       {Case{0x08, "\xff\x07", DType::i32, 255, 7}, Case{0x09, "\xff\x07", DType::i32, -1, 7},
        Case{0x0b, big_endian(0xfffe, 2) + big_endian(300, 2), DType::i32, -2, 300},
        Case{0x0c, big_endian(0xffffffff, 4) + big_endian(70000, 4), DType::i32, -1, 70000},
        Case{0x0d, big_endian(0x3fc00000, 4) + big_endian(0xc0000000, 4), DType::f32, 1.5, -2},
        Case{0x0e, big_endian(0x3ff8000000000000, 8) + big_endian(0xc000000000000000, 8),
             DType::f64, 1.5, -2}}) {
    const std::string plain = header(c.type, {1, 2}) + c.elements;
    for (const std::string& bytes : {plain, packed(plain)}) {
      Array array = from_idx(bytes, "f.idx");
      EXPECT_EQ(array.type(), (TensorType{c.dtype, {1, 2}}));
      EXPECT_EQ(array.at(0), c.first);
      EXPECT_EQ(array.at(1), c.second);
    }
  }
}

TEST(Idx, MembersOfGzipFollowEachOther) {
  const std::string plain = header(8, {2, 3}) + "abcdef";
  for (size_t cut : {size_t{0}, size_t{2}, size_t{9}, size_t{14}, plain.size()})
    EXPECT_EQ(from_idx(packed(plain.substr(0, cut)) + packed(plain.substr(cut)), "f").at(5), 'f')
        << cut;
  EXPECT_EQ(from_idx(packed(plain) + std::string(512, '\0'), "f").at(5), 'f');
  EXPECT_THAT(message_of(packed(plain) + packed("g")),
              testing::HasSubstr("unpacks to more than the 18 bytes"));
  EXPECT_THAT(message_of(packed(plain) + std::string("\0\0g", 3)),
              testing::HasSubstr("holds 3 further bytes behind the end of what gzip packed"));
  EXPECT_THAT(message_of(packed(plain.substr(0, 14)) + packed(plain.substr(14)).substr(0, 12)),
              testing::HasSubstr("is no whole gzip file"));
}

TEST(Idx, RanksAndExtentsOfNothing) {
  EXPECT_EQ(from_idx(header(8, {}) + "\3", "f").at(0), 3);
  EXPECT_EQ(from_idx(header(8, {0, 28, 28}), "f").type().shape, (Shape{0, 28, 28}));
  EXPECT_EQ(from_idx(packed(header(8, {2, 1, 1, 1, 1, 1}) + "ab"), "f").at(1), 'b');
}

TEST(Idx, EveryTruncationIsNoticed) {
  const std::string plain = header(8, {2, 3}) + "abcdef";
  for (const std::string& whole : {plain, packed(plain)})
    for (size_t size = 0; size < whole.size(); ++size)
      EXPECT_NE(message_of(whole.substr(0, size)), "no error") << size;
  EXPECT_THAT(message_of(plain.substr(0, 14)),
              testing::HasSubstr("its extents [2,3] take 18 bytes, the file holds 14"));
}

TEST(Idx, EveryFlippedBitOfWhatIsPackedIsNoticed) {
  const std::string whole = packed(header(8, {2, 3}) + "abcdef");
  for (size_t i = size_t{10} * 8; i < whole.size() * 8;
       ++i) { // gzip's own header has bits of no meaning
    std::string bytes = whole;
    bytes[i / 8] = static_cast<char>(bytes[i / 8] ^ 1 << i % 8);
    const bool meaningless = i / 8 == 10 && i % 8 > 2; // what fills the byte before a stored block
    if (!meaningless)
      EXPECT_NE(message_of(bytes), "no error") << i;
  }
}

TEST(Idx, MessagesSayWhatIsTrue) {
  EXPECT_THAT(message_of(std::string("\0\0\x08", 3)),
              testing::AllOf(testing::HasSubstr("ends within its header, after 3 of its first 4"),
                             testing::HasSubstr("it is truncated"),
                             testing::Not(testing::HasSubstr("two zero bytes"))));
  EXPECT_THAT(message_of(header(8, {2}) + "abc"),
              testing::AllOf(testing::HasSubstr("take 10 bytes, the file holds 11"),
                             testing::HasSubstr("goes on behind its last element"),
                             testing::Not(testing::HasSubstr("truncated"))));
  EXPECT_THAT(message_of(header(8, {2}) + "a"), testing::HasSubstr("it is truncated; fetch it"));
}

TEST(Idx, TheTypeOfALargeFileIsReadFromItsHeader) {
  test::Scratch d;
  const std::string head = header(8, {3072, 1024, 1024}), path = d.write("large", head);
  std::filesystem::resize_file(path, head.size() + (size_t{3} << 30)); // 12 GiB as i32
  EXPECT_EQ(to_string(idx_type(path)), "i32[3072,1024,1024]");
  std::filesystem::resize_file(path, head.size() + 5);
  EXPECT_THROW(idx_type(path), Error);
}

TEST(Idx, WhatLiesAboutItselfIsRefused) {
  EXPECT_THAT(message_of("P5 28 28"), testing::HasSubstr("does not begin with two zero bytes"));
  EXPECT_THAT(message_of(header(0x0a, {1}) + "a"), testing::HasSubstr("type 0x0a, which IDX"));
  EXPECT_THAT(message_of(header(8, {1, 1, 1, 1, 1, 1, 1, 1, 1}) + "a"),
              testing::HasSubstr("has 9 axes"));
  EXPECT_THAT(message_of(header(8, {2}) + "abc"), testing::HasSubstr("take 10 bytes"));
  EXPECT_THAT(message_of(header(8, {~0u, ~0u, ~0u}) + "abc"),
              testing::HasSubstr("promises more elements than an array can hold"));
  EXPECT_THAT(message_of(header(8, {0, ~0u, ~0u})),
              testing::HasSubstr("promises more elements than an array can hold"));
  // A bomb is refused by what its header promises; what goes on behind that is not unpacked.
  EXPECT_THAT(message_of(packed(header(8, {60000, 28, 28}) + "abc")),
              testing::HasSubstr("promises 47040016 bytes, more than a gzip file of"));
  // One that a gzip file could hold, too.
  EXPECT_THAT(message_of(packed(header(8, {49 << 20}) + std::string(60000, 'x'))),
              testing::AllOf(testing::HasSubstr("that unpacks to 51380232: more than data do"),
                             testing::HasSubstr("unpack it first: gunzip")));
  EXPECT_THAT(message_of(packed(header(8, {2}) + "ab" + std::string(60000, 'x'))),
              testing::HasSubstr("unpacks to more than the 10 bytes that its header promises"));
  // Where the sum behind them tells that the bytes are others than were packed, that is said.
  std::string flipped = packed(header(8, {2, 3}) + "abcdef");
  flipped[15 + 11] ^= 1; // of 3 columns it makes 2
  EXPECT_THAT(message_of(flipped),
              testing::AllOf(testing::HasSubstr("is no whole gzip file: incorrect data check"),
                             testing::HasSubstr("it is damaged")));
  EXPECT_THAT(message_of(packed(header(8, {9}) + "abc")),
              testing::HasSubstr("promises 17 bytes and holds 11"));
  EXPECT_THAT(message_of(packed(header(8, {2}) + "ab") + "more"),
              testing::HasSubstr("holds 4 further bytes behind the end of what gzip packed"));
}

} // namespace
} // namespace gdjit
