// CSV as people write it; any blocks and any number of threads give the same table.
#include "gdjit/Data/Table.h"

#include "Scratch.h"
#include "gdjit/Data/Columns.h"
#include "gdjit/Data/Dataset.h"
#include "gdjit/IO/Npy.h"
#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>

#include <cmath>

namespace gdjit {
namespace {

using test::Scratch;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<double> values(const Table& table) {
  const double* p = table.values().data<double>();
  return {p, p + table.values().elements()};
}

std::vector<double> values(std::string_view text, const TableOptions& options = {}) {
  return values(parse_table(text, "a.csv", options));
}

TEST(Table, HeaderAndDelimiterAreDetected) {
  for (const char* text : {"a,b\n1,2\n3,4\n", "a;b\r\n1;2\r\n3;4", "a\tb\n1\t2\n3\t4\n",
                           "a b\n1   2\n 3 4 \n", "\xef\xbb\xbf# x\n\na , b\n 1 ,2\n3, 4 \n"}) {
    Table table = parse_table(text, "a.csv");
    EXPECT_THAT(values(table), ElementsAre(1, 2, 3, 4)) << text;
    EXPECT_THAT(table.names(), ElementsAre("a", "b")) << text;
  }
  EXPECT_THAT(parse_table("1,2\n", "a").names(), ElementsAre("1", "2"));
  EXPECT_THAT(values("1 2\n3 4\n"), ElementsAre(1, 2, 3, 4));
}

TEST(Table, HeaderDelimiterAndCommentCanBeTold) {
  EXPECT_THAT(values("2019,2020\n1,2\n", {.header = Header::yes}), ElementsAre(1, 2));
  EXPECT_THAT(values("% x\n1|2\n", {.delimiter = '|', .comment = '%'}), ElementsAre(1, 2));
  EXPECT_THROW(values("a,b\n1,2\n", {.header = Header::no}), Error);
}

TEST(Table, NumbersAreReadToTheLastBit) {
  EXPECT_THAT(values("0.1,-0,+5,1e-3,.5,1.7976931348623157e308,4.9e-324,1e-400\n"),
              ElementsAre(0.1, 0.0, 5, 1e-3, 0.5, 1.7976931348623157e308, 4.9e-324, 0.0));
  EXPECT_TRUE(std::signbit(values("-0\n")[0]));
}

TEST(Table, QuotedFieldsHoldDelimitersAndQuotes) {
  Table table = parse_table("\"a,\"\"1\"\"\",b\n\"1\" , 2\n", "a");
  EXPECT_THAT(table.names(), ElementsAre("a,\"1\"", "b"));
  EXPECT_THAT(values(table), ElementsAre(1, 2));
  EXPECT_THAT(values("\"a,\"\"1\"\"\",b\n1,2\n", {.columns = "\"a,\"\"1\"\"\""}), ElementsAre(1));
}

TEST(Table, ChosenColumnsComeInTheOrderGivenAndOthersNeedNoNumbers) {
  std::string text = "name,q1,q2,q3,final\nann,1,2,3,4\n\"b,ob\",5,6,7,8\n";
  EXPECT_THAT(values(text, {.columns = "final,q1:q2"}), ElementsAre(4, 1, 2, 8, 5, 6));
  EXPECT_THAT(values(text, {.columns = "4:"}), ElementsAre(3, 4, 7, 8));
}

TEST(Table, ClassLabelsAreNumberedInTheOrderOfTheirText) {
  Table table = parse_table("x,kind\n1,dog\n2,cat\n3,dog\n", "a", {.classes = "kind"});
  EXPECT_THAT(values(table), ElementsAre(1, 1, 2, 0, 3, 1));
  EXPECT_THAT(table.labels(), ElementsAre(ClassLabels{"kind", {"cat", "dog"}}));
  Table later = parse_table("x,kind\n1,cat\n", "a", {.labels = {{"kind", {"dog", "cat"}}}});
  EXPECT_THAT(values(later), ElementsAre(1, 1)) << "fixed numbers are kept";
  Table integers = parse_table("x,kind\n1,7\n2,3\n", "a", {.classes = "kind"});
  EXPECT_THAT(values(integers), ElementsAre(1, 7, 2, 3));
  EXPECT_TRUE(integers.labels().empty());
}

TEST(Table, ColumnsTogetherShareOneNumbering) {
  std::string text = "w1,w2,n,kind\na,b,1,b\nc,a,2,a\n";
  Table table = parse_table(text, "a", {.classes = "w1:kind", .together = {"w1:n"}});
  EXPECT_THAT(values(table), ElementsAre(0, 1, 1, 1, 2, 0, 2, 0)) << "integers stay as they are";
  EXPECT_THAT(table.labels(),
              ElementsAre(ClassLabels{"w1", {"a", "b", "c"}}, ClassLabels{"w2", {"a", "b", "c"}},
                          ClassLabels{"kind", {"a", "b"}}));
  Table chained = parse_table(text, "a", {.classes = "w1:kind", .together = {"w1:w2", "w2,kind"}});
  EXPECT_THAT(values(chained), ElementsAre(0, 1, 1, 1, 2, 0, 2, 0));
}

/// The whole message of what a text is refused by.
std::string refusal(std::string_view text, const TableOptions& options = {}) {
  try {
    parse_table(text, "a.csv", options);
  } catch (const Error& error) {
    return std::string(error.what()) + "\n" + error.diagnostics().front().notes.front().text;
  }
  return "";
}

TEST(Table, WordsAreRefusedWhereClassesWereIntegers) {
  TableOptions options{.classes = "kind", .labels = {{"x", {}}, {"kind", {}}}};
  EXPECT_THAT(values("x,kind\n0.5,7\n", options), ElementsAre(0.5, 7));
  EXPECT_THAT(refusal("x,kind\n0.5,cat\n", options),
              HasSubstr("column 'kind': 'cat' is none of the classes"));
}

TEST(Table, ArchivesAndLinesEndedByCrAloneAreToldByName) {
  std::string archive = refusal(std::string_view("PK\x03\x04\x14\0\0\0", 8));
  EXPECT_THAT(archive, HasSubstr("is an archive (.npz, zip)"));
  EXPECT_THAT(archive, HasSubstr("numpy.save"));
  for (const char* text : {"a,b\r1,2\r3,4\r", "# c\r1,2\r"}) {
    EXPECT_THAT(refusal(text), HasSubstr("its lines end by CR alone"));
    EXPECT_THAT(refusal(text), HasSubstr("LF"));
  }
  EXPECT_THAT(values("1,2\r"), ElementsAre(1, 2));
}

TEST(Table, OptionsOfTextAreRefusedForAnNpyFile) {
  Scratch folder;
  write_npy(folder.file("m.npy"), TensorView("", Array({DType::f32, {1, 2}}, {1, 2})));
  for (const TableOptions& options : {TableOptions{.delimiter = ';'}, TableOptions{.classes = "1"}})
    try {
      read_column_names(folder.file("m.npy"), options);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_THAT(error.what(), HasSubstr("an npy file is no text"));
    }
}

TEST(Table, RowsKnowTheirLines) {
  Table table = parse_table("# c\na\n1\n\n2\n# d\n3\n4\n", "a");
  EXPECT_EQ(table.line(0), 3);
  EXPECT_EQ(table.line(1), 5);
  EXPECT_EQ(table.line(3), 8);
}

TEST(Table, BlocksAndThreadsDoNotShow) {
  Scratch folder;
  std::string text = "a,b,kind\n";
  for (int i = 0; i < 500; ++i) {
    text += std::to_string(i) + "," + std::to_string(i * 0.37) + "," + "xyz"[i * 7 % 3] + "\r\n";
    if (i % 11 == 0)
      text += i % 2 ? "\n\n" : "# a comment, of its own length\n";
  }
  std::string path = folder.write("a.csv", text);
  Table whole = read_table(path, {.classes = "kind", .threads = 1});
  ASSERT_EQ(whole.rows(), 500);
  for (size_t block : {1, 2, 7, 16, 100, 4096})
    for (int threads : {1, 4}) {
      Table table = read_table(path, {.classes = "kind", .threads = threads, .block_bytes = block});
      EXPECT_TRUE(same_bits(table.values(), whole.values())) << block;
      EXPECT_EQ(table.labels(), whole.labels());
      for (int64_t r = 0; r < 500; ++r)
        ASSERT_EQ(table.line(r), whole.line(r)) << block;
    }
}

TEST(Table, TheFirstMistakeIsReportedWhateverTheBlocks) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += i == 123 || i == 250 ? "1,x\n" : "1,2\n";
  for (size_t block : {1, 5, 64, 4096})
    try {
      parse_table(text, "a.csv", {.threads = 4, .block_bytes = block});
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.location().line, 124u) << block;
    }
}

TEST(Table, AMatrixInAnNpyFileIsATable) {
  Scratch folder;
  write_npy(folder.file("m.npy"), TensorView("", Array({DType::f32, {2, 3}}, {1, 2, 3, 4, 5, 6})));
  EXPECT_THAT(values(read_table(folder.file("m.npy"), {.columns = "3,1"})),
              ElementsAre(3, 1, 6, 4));
  EXPECT_THAT(read_column_names(folder.file("m.npy")), ElementsAre("1", "2", "3"));
}

std::vector<InputDecl> inputs() {
  return {{.name = "x", .type = {DType::f32, {9, 2}}, .batch_axis = 0, .origin = {}},
          {.name = "y", .type = {DType::i32, {9}}, .batch_axis = 0, .origin = {}}};
}

TEST(Dataset, ColumnsGoToInputsInOrderOrAsMapped) {
  Table table = parse_table("a,b,c\n1,2,3\n4,5,6\n", "a");
  Dataset rows = dataset(inputs(), table);
  EXPECT_EQ(rows.rows(), 2);
  EXPECT_TRUE(same_bits(rows.views()[0].copy(), Array({DType::f32, {2, 2}}, {1, 2, 4, 5})));
  EXPECT_TRUE(same_bits(rows.views()[1].copy(), Array({DType::i32, {2}}, {3, 6})));
  Dataset mapped = dataset(inputs(), table, "y=a,x=c,b");
  EXPECT_TRUE(same_bits(mapped.views()[0].copy(), Array({DType::f32, {2, 2}}, {3, 2, 6, 5})));
  EXPECT_TRUE(same_bits(mapped.views()[1].copy(), Array({DType::i32, {2}}, {1, 4})));
}

TEST(Dataset, TheRowsOfAModelAreItsData) {
  Model with([](Model& m) {
    Tensor x = m.input("x", {m.batch(), 1});
    m.output("o", x);
    m.data({{"x", {{1}, {2}}}});
  });
  EXPECT_TRUE(same_bits(dataset(with).views()[0].copy(), Array({DType::f32, {2, 1}}, {1, 2})));
  Model without([](Model& m) { m.output("o", m.input("x", {m.batch(), 1})); });
  try {
    dataset(without);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("has no rows for 1 of its inputs"));
  }
}

TEST(Dataset, IntegerInputsTakeTextAsClasses) {
  Scratch folder;
  std::string path = folder.write("a.csv", "id,a,b,kind\nr1,1,2,no\nr2,3,4,yes\n");
  std::string mapping = "x=a:b,y=kind";
  TableOptions options = table_options(inputs(), read_column_names(path), mapping);
  Table table = read_table(path, options);
  Dataset rows = dataset(inputs(), table, mapping);
  EXPECT_TRUE(same_bits(rows.views()[1].copy(), Array({DType::i32, {2}}, {0, 1})));
  EXPECT_THAT(table.labels(), ElementsAre(ClassLabels{"kind", {"no", "yes"}}));
}

TEST(Dataset, ColumnsByNameAreFoundWhereverTheyStand) {
  Table table = parse_table("\"k=\"\"1\",b,unused,\"a,a\"\n0,2,9,1\n", "a.csv");
  std::vector<InputColumnNames> names = column_names(inputs(), table.names(), "x=4,2,y=1");
  EXPECT_THAT(names,
              ElementsAre(InputColumnNames{"x", {"a,a", "b"}}, InputColumnNames{"y", {"k=\"1"}}));
  Table other = parse_table("b,\"a,a\",\"k=\"\"1\"\n2,1,0\n", "b.csv");
  Dataset rows = dataset(inputs(), other, mapping_text(names));
  EXPECT_TRUE(same_bits(rows.views()[0].copy(), Array({DType::f32, {1, 2}}, {1, 2})));
  EXPECT_TRUE(same_bits(rows.views()[1].copy(), Array({DType::i32, {1}}, {0})));
}

TEST(Dataset, LabelsFollowTheInputNotTheName) {
  std::vector<InputColumnNames> run = {{"x", {"a", "b"}}, {"y", {"3"}}},
                                here = {{"x", {"3", "4"}}, {"y", {"label"}}};
  std::vector<ClassLabels> labels = {{"3", {"cat", "dog"}}};
  EXPECT_THAT(labels_for(here, run, labels), ElementsAre(ClassLabels{"3", {}}, ClassLabels{"4", {}},
                                                         ClassLabels{"label", {"cat", "dog"}}));
  std::vector<InputColumnNames> one = {{"v", {"p"}}, {"w", {"q"}}},
                                both = {{"v", {"k"}}, {"w", {"k"}}};
  labels = {{"p", {"cat", "dog"}}, {"q", {"dog", "cat"}}};
  EXPECT_THROW(labels_for(both, one, labels), Error);
}

TEST(Dataset, FilesOfArraysAreFittedToTheInputs) {
  Scratch folder;
  Array x({DType::f32, {3, 2}}, {1, 2, 3, 4, 5, 6});
  write_npy(folder.file("x.npy"), TensorView("", x));
  write_npy(folder.file("y.npy"), TensorView("", Array({DType::boolean, {3}}, {1, 0, 1})));
  Dataset rows = dataset(inputs(), {{"x", folder.file("x.npy")}, {"y", folder.file("y.npy")}});
  EXPECT_TRUE(same_bits(rows.views()[0].copy(), x));
  EXPECT_TRUE(same_bits(rows.views()[1].copy(), Array({DType::i32, {3}}, {1, 0, 1})));
  EXPECT_THROW(dataset(inputs(), {{"x", folder.file("y.npy")}, {"y", folder.file("y.npy")}}),
               Error);
  EXPECT_THROW(dataset(inputs(), {{"x", folder.file("x.npy")}}), Error);
  std::string archive = folder.write("xy.npz", std::string("PK\x03\x04\x14\0\0\0", 8));
  try {
    dataset(inputs(), {{"x", archive}, {"y", archive}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("is an archive (.npz, zip)"));
  }
}

} // namespace
} // namespace gdjit
