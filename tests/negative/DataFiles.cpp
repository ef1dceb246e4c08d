// Mistakes in files of rows: each names file, place, what was found and what to do.
#include "Mistakes.h"
#include "Scratch.h"

#include "gdjit/IO/Npy.h"

#include <thread>
#include <unistd.h>

using namespace gdjit;
using gdjit::test::message_of;
using gdjit::test::Scratch;

namespace {

std::string csv(std::string_view text, const TableOptions& options = {},
                ErrorCode code = ErrorCode::data) {
  return message_of([&] { parse_table(text, "a.csv", options); }, code);
}

std::string npy(std::string_view bytes) {
  return message_of([&] { from_npy(bytes, "a.npy"); }, ErrorCode::data);
}

/// A .npy of this header and payload.
std::string npy_file(const std::string& header, size_t payload) {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size());
  bytes += '\0';
  return bytes + header + std::string(payload, '\0');
}

TEST(TableMistakes, files_without_rows) {
  Scratch folder;
  std::string none = folder.file("none.csv");
  EXPECT_MISTAKE(message_of([&] { read_table(none); }, ErrorCode::data),
                 "cannot read '" + none + "': No such file or directory");
  EXPECT_MISTAKE(csv(""), "a.csv: the file is empty");
  EXPECT_MISTAKE(csv("# only\n\n"), "a.csv: holds no row, only comments");
  EXPECT_MISTAKE(csv("a,b\n\n"), "a.csv: holds a header, in line 1, and no row", "1 'a', 2 'b'");
}

TEST(TableMistakes, rows_of_other_lengths) {
  EXPECT_MISTAKE(csv("a,b\n1,2\n# x\n3\n"),
                 "a.csv:4: error: the row has 1 fields, the first line has 2",
                 "columns: 1 'a', 2 'b'");
  EXPECT_MISTAKE(csv("1,2\n3,4,5\n"), "a.csv:2: error: the row has 3 fields, the first line has 2");
}

TEST(TableMistakes, fields_that_are_no_numbers) {
  EXPECT_MISTAKE(csv("a,b\n1,2\n3,abc\n"), "a.csv:3: error: column 2 ('b'): 'abc' is not a number");
  EXPECT_MISTAKE(csv("1,2\n3,\n"), "a.csv:2: error: column 2: is empty", "fill in a number");
  EXPECT_MISTAKE(csv("a;b\n1,5;2\n"), "column 1 ('a'): '1,5' has a decimal comma", "1.5");
  EXPECT_MISTAKE(csv("1\nnan\n"), "a.csv:2: error: column 1: 'nan' is not a finite number");
  EXPECT_MISTAKE(csv("1\n-inf\n"), "'-inf' is not a finite number");
  EXPECT_MISTAKE(csv("1\n1e400\n"), "'1e400' is beyond the range of a double");
  EXPECT_MISTAKE(csv("1\n1e99999\n"), "'1e99999' is beyond the range of a double");
  EXPECT_MISTAKE(csv("1\n0x10\n"), "'0x10' is not a number");
  EXPECT_MISTAKE(csv("1\n1 2\n"), "'1 2' is not a number");
  EXPECT_MISTAKE(csv("1,2\n\"3,4\n"), "a.csv:2: error: column 1: a quoted field has no end");
  EXPECT_MISTAKE(csv("1,2\n\"3\"x,4\n"), "text follows a quoted field: 'x,4'");
}

TEST(TableMistakes, text_in_other_encodings) {
  EXPECT_MISTAKE(csv(std::string_view("\xff\xfe"
                                      "1\0,\0",
                                      6)),
                 "a.csv: the file is in UTF-16", "save it as UTF-8");
  EXPECT_MISTAKE(csv(std::string_view("1\0,\0002\0", 6)), "zero bytes");
  EXPECT_MISTAKE(csv(std::string_view("\0\0\0001\0\0\0,", 8)), "zero bytes"); // UTF-32
  EXPECT_MISTAKE(csv("\x1f\x8b\x08"), "a.csv: the file is packed by gzip", "gunzip");
  EXPECT_MISTAKE(csv(std::string_view("\0\0\x08\1\0\0\0\1\7", 9)),
                 "a.csv: the file is an IDX file", "INPUT=FILE for each input");
  EXPECT_MISTAKE(csv("1\n\xe9t\xe9\n"), "a.csv:2: error: column 1: '\\xe9t\\xe9' is not UTF-8");
  EXPECT_MISTAKE(csv("gr\xf6\xdf"
                     "e\n1\n"),
                 "the name of column 1 is not UTF-8: 'gr\\xf6\\xdfe'");
  EXPECT_MISTAKE(csv("c\n\xff\n", {.classes = "c"}), "'\\xff' is not UTF-8");
}

TEST(TableMistakes, columns_that_do_not_exist_or_share_a_name) {
  EXPECT_MISTAKE(csv("a,b,a\n1,2,3\n"), "a.csv:1: error: columns 1 and 3 have one name, 'a'");
  std::string two = "quiz1,final\n1,2\n";
  EXPECT_MISTAKE(csv(two, {.columns = "quiz2"}, ErrorCode::usage),
                 "columns 'quiz2': there is no column 'quiz2'; did you mean 'quiz1'?",
                 "columns: 1 'quiz1', 2 'final'");
  EXPECT_MISTAKE(csv(two, {.columns = "2:1"}, ErrorCode::usage), "runs backwards");
  EXPECT_MISTAKE(csv(two, {.columns = "1,quiz1"}, ErrorCode::usage),
                 "column 1 ('quiz1') is given twice");
  EXPECT_MISTAKE(csv(two, {.columns = "3"}, ErrorCode::usage), "there is no column '3'");
  EXPECT_MISTAKE(csv(two, {.columns = "1,"}, ErrorCode::usage), "a column is missing");
  EXPECT_MISTAKE(csv(two, {.columns = "\"quiz1"}, ErrorCode::usage), "a quoted name has no end");
}

TEST(TableMistakes, lines_without_end) {
  Scratch folder;
  std::string path = folder.write("long.csv", "1\n2,");
  ASSERT_EQ(::truncate(path.c_str(), 1 << 30), 0); // the rest is zero bytes, and takes no disk
  EXPECT_MISTAKE(message_of([&] { read_table(path); }, ErrorCode::data), "zero bytes");
  path = folder.write("longer.csv", "1\n" + std::string(5000, '\n') + "2,");
  ASSERT_EQ(::truncate(path.c_str(), 1 << 30), 0);
  EXPECT_MISTAKE(message_of([&] { read_table(path); }, ErrorCode::data),
                 "longer.csv:5002: error: the line is longer than 64 MiB");
  std::string line(70 << 20, '7');
  EXPECT_MISTAKE(csv(line), "a.csv:1: error: the line is longer than 64 MiB");
  EXPECT_MISTAKE(csv("1\n" + line), "a.csv:2: error: the line is longer than 64 MiB",
                 "lines ended by LF or CRLF");
}

TEST(TableMistakes, a_file_that_changes_while_it_is_read) {
  Scratch folder;
  std::string text;
  for (int i = 0; i < 400'000; ++i)
    text += "1.25,2.5,3.75\n";
  std::string path = folder.write("a.csv", text);
  std::atomic<bool> stop = false;
  std::thread writer([&] {
    std::ofstream out(path, std::ios::app);
    while (!stop)
      out << "4,5,6\n" << std::flush;
  });
  std::string message = message_of(
      [&] {
        for (int i = 0; i < 100; ++i)
          read_table(path);
      },
      ErrorCode::data);
  stop = true;
  writer.join();
  EXPECT_MISTAKE(message, "a.csv' changed while it was read");
}

TEST(TableMistakes, labels_that_are_not_known) {
  TableOptions options{.labels = {{"kind", {"cat", "dog"}}}};
  EXPECT_MISTAKE(csv("kind\nbird\n", options),
                 "a.csv:2: error: column 'kind': 'bird' is none of the classes",
                 "classes: 'cat', 'dog'");
  EXPECT_MISTAKE(
      csv("1,kind\n", {.header = Header::no, .columns = "2", .classes = "3"}, ErrorCode::usage),
      "there is no column '3'");
  EXPECT_MISTAKE(csv("a,kind\n1,0\n\n2,1.5\n3,1.5\n", {.classes = "kind"}),
                 "a.csv:4: error: column 'kind': '1.5' is no integer", "named by text");
  EXPECT_MISTAKE(csv("a,kind\n1,\n", {.classes = "kind"}), "column 2 ('kind'): is empty");
}

std::vector<InputDecl> inputs() {
  return {{.name = "x", .type = {DType::f32, {1, 3}}, .batch_axis = 0, .origin = {}},
          {.name = "y", .type = {DType::i64, {1}}, .batch_axis = 0, .origin = {}}};
}

std::string rows(std::string_view text, std::string_view mapping = "",
                 ErrorCode code = ErrorCode::data) {
  return message_of([&] { dataset(inputs(), parse_table(text, "a.csv"), mapping); }, code);
}

TEST(DatasetMistakes, columns_that_do_not_fit_the_inputs) {
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n"), "a.csv: the inputs take 4 columns, the table has 3",
                 "input x : f32[1,3] takes 3", "input y : i64[1] takes 1",
                 "columns: 1 'a', 2 'b', 3 'c'");
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n", "x=a:b,y=c"), "input x takes 3 columns, 2 are named");
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n", "x=a:c"), "no columns are named for input y");
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n", "x=a:c,z=c"), "there is no input 'z'");
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n", "a:c", ErrorCode::usage), "say for which input");
  EXPECT_MISTAKE(rows("a,b,c\n1,2,3\n", "x=a,x=b", ErrorCode::usage), "input 'x' is given twice");
}

TEST(DatasetMistakes, numbers_that_the_input_does_not_hold) {
  EXPECT_MISTAKE(rows("a,b,c,d\n1,2,3,4\n\n1,2,3,1.5\n"),
                 "a.csv:4: error: column 4 ('d'): 1.5 is no integer",
                 "it goes to input y : i64[1]");
  EXPECT_MISTAKE(rows("1,2,3,9007199254740993\n"), "beyond what is read as i64");
  EXPECT_MISTAKE(rows("1,1e39,3,4\n"), "column 2: 1e+39 is beyond the greatest f32");
}

TEST(DatasetMistakes, batches_and_splits_that_cannot_be) {
  Dataset two({{"x", Array({DType::f32, {2, 1}})}});
  auto usage = [](auto f) { return message_of(f, ErrorCode::usage); };
  EXPECT_MISTAKE(usage([&] { Loader(two, {.batch = 3}); }),
                 "a batch of 3 is larger than the data, which has 2 rows");
  EXPECT_MISTAKE(usage([&] { Loader(two, {.batch = -1}); }), "a batch of -1 rows");
  EXPECT_MISTAKE(usage([&] { split(two, {.test = 1.5}); }), "the test part is 1.5 of the rows");
  EXPECT_MISTAKE(usage([&] { split(two, {.development = 0.5, .test = 0.5}); }), "nothing to train");
  EXPECT_MISTAKE(usage([&] { split(two, {.test = 0.01}); }),
                 "the test part of 2 rows would have none");
  EXPECT_MISTAKE(usage([&] { split(two, {.test = 0.5, .stratify = "z"}); }), "no input z");
  EXPECT_MISTAKE(usage([&] { two.slice(1, 1); }), "no slice of at least a row");
  Dataset one({{"x", Array({DType::f32, {1, 1}})}});
  EXPECT_MISTAKE(message_of([&] { fit(one, "x"); }, ErrorCode::data), "by a single row");
  EXPECT_MISTAKE(
      message_of(
          [&] { Dataset({{"x", Array({DType::f32, {2}})}, {"y", Array({DType::f32, {3}})}}); },
          ErrorCode::data),
      "inputs x and y have 2 and 3 rows");
}

TEST(NpyMistakes, arrays_that_are_not_read) {
  auto of = [](const char* type, const char* order = "False") {
    return npy(npy_file(std::string("{'descr': '") + type + "', 'fortran_order': " + order +
                            ", 'shape': (2, 3), }\n",
                        48));
  };
  EXPECT_MISTAKE(of("|O"), "a.npy: holds Python objects");
  EXPECT_MISTAKE(of(">f4"), "holds big-endian numbers ('>f4')", "newbyteorder");
  EXPECT_MISTAKE(of("<U5"), "holds text or raw bytes");
  EXPECT_MISTAKE(of("<c8"), "holds elements of type '<c8'");
  EXPECT_MISTAKE(of("<f8", "True"), "column-major (Fortran) order", "ascontiguousarray");
  EXPECT_MISTAKE(npy(npy_file("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", 4)),
                 "holds records");
}

TEST(NpyMistakes, files_that_are_damaged) {
  std::string good = to_npy(Array({DType::f32, {2, 3}}));
  EXPECT_MISTAKE(npy("1,2"), "a.npy: no .npy file");
  EXPECT_MISTAKE(npy(good.substr(0, 7)), "truncated within its header");
  EXPECT_MISTAKE(npy(good.substr(0, 40)), "its header is said to have 118 bytes, the file has 40");
  EXPECT_MISTAKE(npy(good.substr(0, good.size() - 1)),
                 "its shape [2,3] takes 24 bytes, the file holds 23");
  EXPECT_MISTAKE(npy(good + "x"), "takes 24 bytes, the file holds 25");
  EXPECT_MISTAKE(
      npy(npy_file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,)}", 4)),
      "its shape: ");
  EXPECT_MISTAKE(npy(npy_file("{'descr': '<f4', 'shape': (1,)}", 4)), "cannot be read");
  good[6] = 9;
  EXPECT_MISTAKE(npy(good), "format 9.0");
  EXPECT_MISTAKE(
      message_of([&] { from_npy(to_npy(Array({DType::f32, {2}})), "a.npy", {DType::f64, {2}}); },
                 ErrorCode::data),
      "a.npy: holds f32[2], expected is f64[2]");
}

} // namespace
