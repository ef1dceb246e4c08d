// Rows, runs and checkpoints that are wrong: each ends train, eval or predict with one message that
// names the place and what to do, and leaves nothing behind.
#include "ToolMistakes.h"
#include "ToolRows.h"

#include "gdjit/IO/Npy.h"
#include "gdjit/IO/Safetensors.h"

#include <fmt/format.h>

using namespace gdjit;
using namespace gdjit::test;

namespace {

using Words = std::vector<std::string>;

ToolRun train(const std::string& model, const Words& more) {
  Words words = {"train", scores_file(model), "-q", "--steps", "3"};
  words.insert(words.end(), more.begin(), more.end());
  return run_tool(words);
}

class DataMistakes : public testing::Test {
protected:
  /// Training on this text.
  ToolRun csv(const std::string& text, const std::string& model = "scores") const {
    return train(model, {"--data", d.write("a.csv", text)});
  }
  std::string place(int line) const {
    return d.file("a.csv") + ":" + std::to_string(line) + ": error: ";
  }
  /// A .npy file of this header and as many bytes of elements, as x.
  ToolRun npy(const std::string& header, size_t payload, size_t length = 0) const {
    std::string bytes("\x93NUMPY\x01\x00", 8);
    bytes += static_cast<char>(length ? length : header.size());
    bytes += '\0';
    d.write("x.npy", bytes + header + std::string(payload, '\0'));
    write_npy(d.file("y.npy"), TensorView("", Array({DType::f32, {2, 1}})));
    return train("scores", {"--data", "x=" + d.file("x.npy"), "--data", "y=" + d.file("y.npy")});
  }

  Scratch d;
};

TEST_F(DataMistakes, tables_without_rows) {
  EXPECT_REFUSED(train("scores", {"--data", d.file("none.csv")}), 7,
                 "cannot read '" + d.file("none.csv") + "': No such file");
  EXPECT_REFUSED(train("scores", {"--data", d.path()}), 7, d.path());
  EXPECT_REFUSED(csv(""), 7, "a.csv: the file is empty");
  EXPECT_REFUSED(csv("a,b,c,d\n"), 7, "holds a header, in line 1, and no row");
}

TEST_F(DataMistakes, tables_with_wrong_fields) {
  EXPECT_REFUSED(csv("a,b,c,d\n1,2,3,4\n1,2,3\n"), 7,
                 place(3) + "the row has 3 fields, the first line has 4");
  EXPECT_REFUSED(csv("a,b,c,d\n1,2,3,4\n1,2,x,4\n"), 7,
                 place(3) + "column 3 ('c'): 'x' is not a number");
  EXPECT_REFUSED(csv("a;b;c;d\n1,5;2;3;4\n"), 7, place(2), "'1,5' has a decimal comma", "1.5");
  EXPECT_REFUSED(csv("1,2,3,nan\n"), 7, place(1), "'nan' is not a finite number");
  EXPECT_REFUSED(csv("1,2,3,1e400\n"), 7, place(1), "'1e400' is beyond the range of a double");
  EXPECT_REFUSED(csv("1,2,3,1e39\n"), 7, "beyond the greatest f32", "it goes to input y");
  EXPECT_REFUSED(csv("1,2,3,4\n1,2,,4\n"), 7, place(2) + "column 3: is empty", "fill in a number");
}

TEST_F(DataMistakes, tables_in_other_encodings) {
  EXPECT_REFUSED(csv(std::string("\xff\xfe"
                                 "1\0,\0"
                                 "2\0,\0",
                                 10)),
                 7, "the file is in UTF-16", "save it as UTF-8");
  EXPECT_REFUSED(csv("1,2,3,\xe9\n"), 7, place(1), "is not UTF-8");
}

TEST_F(DataMistakes, a_line_of_a_gibibyte) {
  std::string path = d.write("a.csv", "1,2,3,4\n" + std::string(5000, '\n') + "2,");
  std::filesystem::resize_file(path, 1 << 30); // zero bytes, which take no disk
  EXPECT_REFUSED(train("scores", {"--data", path}), 7, place(5002),
                 "the line is longer than 64 MiB");
}

TEST_F(DataMistakes, columns_that_do_not_fit) {
  std::string path = d.write("a.csv", scores_csv);
  EXPECT_REFUSED(train("scores", {"--data", path}), 7,
                 "a.csv: the inputs take 4 columns, the table has 6", "input x : f32[1,3] takes 3",
                 "input y : f32[1,1] takes 1", "columns: 1 'quiz1', 2 'quiz2'",
                 "say which go where: x=first:last,y=name");
  auto columns = [&](const char* text) {
    return train("scores", {"--data", path, "--columns", text});
  };
  EXPECT_REFUSED(columns("x=quiz1:quiz2,y=final"), 7, "input x takes 3 columns, 2 are named");
  EXPECT_REFUSED(columns("x=quiz1:quiz3"), 7, "no columns are named for input y");
  EXPECT_REFUSED(columns("x=quiz1:quiz3,y=finl"), 2,
                 "there is no column 'finl'; did you mean 'final'?");
  EXPECT_REFUSED(columns("x=quiz1:quiz3,z=final"), 7, "there is no input 'z'");
  EXPECT_REFUSED(columns("x=1:3,y=grade"), 7, "column 6 ('grade'): 'B' is not a number");
  EXPECT_REFUSED(train("scores", {"--columns", "x=1:3"}), 2, "--columns requires --data");
  EXPECT_REFUSED(train("scores", {"--data", path, "--delimiter", "|"}), 2,
                 "'|' is none of comma, semicolon, tab, blank");
  EXPECT_REFUSED(train("scores", {"--data", path, "--comment", "//"}), 2,
                 "'//' is no single character");
  EXPECT_REFUSED(train("scores", {"--data", path, "--header", "maybe"}), 2,
                 "'maybe' is none of yes, no, detect");
  EXPECT_REFUSED(train("scores", {"--data", path, "--data", path}), 2, "give one table");
  EXPECT_REFUSED(train("scores", {}), 7, "has no rows for 2 of its inputs", "x : f32[1,3]",
                 "or from a file: --data FILE");
}

TEST_F(DataMistakes, labels_that_are_no_classes) {
  EXPECT_REFUSED(csv("a,b,c,grade\n1,2,3,0\n1,2,3,1.5\n", "grades"), 7,
                 place(3) + "column 'grade': '1.5' is no integer");
  EXPECT_REFUSED(csv("a,b,c,grade\n1,2,3,0\n1,2,3,7\n1,2,3,1\n", "grades"), 7,
                 "scores.cpp:", "index out of range at position 1 of its indices",
                 "input y holds 0, in row 1, to 7, in row 2");
  EXPECT_REFUSED(csv("a,b,c,grade\n1,2,3,0\n1,2,3,-1\n", "grades"), 7, "index out of range",
                 "input y holds -1, in row 2, to 0, in row 1");
}

TEST_F(DataMistakes, numbers_of_rows_and_steps_that_cannot_be) {
  std::string path = d.write("a.csv", scores_of(4));
  auto run = [&](Words more) {
    more.insert(more.begin(), {"--data", path});
    return train("scores", more);
  };
  EXPECT_REFUSED(run({"--batch", "0"}), 2, "--batch: '0' is no whole number of at least 1");
  EXPECT_REFUSED(run({"--batch", "12"}), 2,
                 "a batch of 12 is larger than the data, which has 11 rows");
  EXPECT_REFUSED(run_tool({"train", scores_file("scores"), "--data", path, "--epochs", "0"}), 2,
                 "--epochs: '0' is no whole number of at least 1");
  EXPECT_REFUSED(run({"--split", "1.5"}), 2, "the development part is 1.5 of the rows");
  EXPECT_REFUSED(run({"--split", "0.5,0.5"}), 2, "nothing to train on");
  EXPECT_REFUSED(run({"--split", "0.01"}), 2, "the development part of 11 rows would have none");
  EXPECT_REFUSED(run({"--split", "a"}), 2, "--split: 'a' is no number");
  EXPECT_REFUSED(run({"--split", "0.5", "--stratify", "x"}), 2, "it needs one number a row");
  EXPECT_REFUSED(run({"--stratify", "y"}), 2, "--stratify requires --split");
  EXPECT_REFUSED(run({"--standardize", "z"}), 2, "the data has no input z");
  EXPECT_REFUSED(run({"--standardize", "x", "--min-max", "x"}), 2,
                 "input x is given to --standardize and to --min-max");
  EXPECT_REFUSED(run({"--threads", "0"}), 2, "--threads");
  EXPECT_REFUSED(run({"--threads", "2000"}), 2, "2000 threads for a step: give 1 to 1024");
  EXPECT_REFUSED(run({"--metrics", "m.txt"}), 2, "m.txt: the name ends in neither .csv nor .jsonl");
  EXPECT_REFUSED(run({"--metrics", "/nonexistent/m.csv"}), 7, "/nonexistent/m.csv", "No such file");
  EXPECT_REFUSED(run({"--optimizer", "sdg"}), 2, "there is no 'sdg'", "did you mean 'sgd'?");
  EXPECT_REFUSED(run({"--optimizer", "adam,beta1=2"}), 2, "Adam: beta1 2 is not in [0, 1)");
  EXPECT_REFUSED(run({"--save-every", "3"}), 2, "--save-every requires --save");
  EXPECT_REFUSED(run({"--expect", "dev/mae<3"}), 2, "no figure 'dev/mae', there are loss, mae, r2");
}

TEST_F(DataMistakes, arrays_that_are_not_read) {
  auto of = [](const char* type, const char* shape, const char* order = "False") {
    return fmt::format("{{'descr': '{}', 'fortran_order': {}, 'shape': {}, }}\n", type, order,
                       shape);
  };
  EXPECT_REFUSED(npy(of("|O", "(2, 3)"), 48), 7, "x.npy: holds Python objects", "astype");
  EXPECT_REFUSED(npy(of("<f4", "(2, 3)", "True"), 24), 7, "column-major (Fortran) order",
                 "ascontiguousarray");
  EXPECT_REFUSED(npy(of(">f4", "(2, 3)"), 24), 7, "holds big-endian numbers ('>f4')");
  EXPECT_REFUSED(npy(of("<f4", "(2, 3)"), 0, 200), 7, "its header is said to have 200 bytes");
  EXPECT_REFUSED(npy(of("<f4", "(20, 3)"), 24), 7,
                 "its shape [20,3] takes 240 bytes, the file holds 24");
  EXPECT_REFUSED(npy(of("<f4", "(2, 4)"), 32), 7,
                 "x.npy: holds f32[2,4], which does not fit input x", "input x : f32[1,3]");
  write_npy(d.file("big.npy"), TensorView("", Array({DType::f64, {1, 3}}, {1, 1e300, 2})));
  EXPECT_REFUSED(
      train("scores", {"--data", "x=" + d.file("big.npy"), "--data", "y=" + d.file("y.npy")}), 7,
      "big.npy: holds f64[1,3], whose row 1, column 2 is 1e+300: beyond the greatest f32");
  write_npy(d.file("two.npy"), TensorView("", Array({DType::f64, {2, 3}})));
  write_npy(d.file("half.npy"), TensorView("", Array({DType::f64, {2}}, {1, 0.5})));
  EXPECT_REFUSED(
      train("grades", {"--data", "x=" + d.file("two.npy"), "--data", "y=" + d.file("half.npy")}), 7,
      "half.npy: holds f64[2], whose row 2 is 0.5: no integer");
  write_npy(d.file("wide.npy"), TensorView("", Array({DType::i64, {2}}, {1, 0x1p53})));
  EXPECT_REFUSED(
      train("scores", {"--data", "x=" + d.file("two.npy"), "--data", "y=" + d.file("wide.npy")}), 7,
      "wide.npy: holds i64[2], whose row 2 is 9007199254740992: beyond what is read as f32");
  EXPECT_REFUSED(npy(of("<f4", "(3, 3)"), 36), 7,
                 "x.npy holds 3 rows for input x, ", "y.npy holds 2 for input y", "the same rows");
  EXPECT_REFUSED(train("scores", {"--data", "x=" + d.file("x.npy")}), 7,
                 "no file is given for input y");
  EXPECT_REFUSED(npy(of("<f4", "(0, 3)"), 0), 7, "x.npy: holds f32[0,3], which has no row");
}

TEST_F(DataMistakes, results_in_the_place_of_the_rows) {
  const std::string rows = "1,2,3,4\n5,6,7,8\n", file = d.write("a.csv", rows);
  const std::string saved = d.file("s");
  ASSERT_EQ(train("scores", {"--data", file, "--save", saved}).code, 0);
  EXPECT_REFUSED(train("scores", {"--data", file, "--metrics", file}), 2,
                 "--metrics " + file + ": the rows come from there; give another file");
  EXPECT_REFUSED(run_tool({"predict", scores_file("scores"), "--load", saved, "--data", file, "--out",
                           d.path() + "/./a.csv"}),
                 2, "a.csv: the rows come from there");
  EXPECT_EQ(read_text(file), rows);
  // Those that a text names count, too.
  write_npy(d.file("x.csv"), TensorView("", Array({DType::f32, {3, 1}}, {1, 2, 3})));
  std::string text = run_tool({"opt", "01", "--to", "declared"}).out;
  const std::string inline_rows = "data x : f32[3,1] = [[1], [2], [3]]";
  ASSERT_NE(text.find(inline_rows), std::string::npos) << text;
  text.replace(text.find(inline_rows), inline_rows.size(), "data x = file \"x.csv\"");
  EXPECT_REFUSED(run_tool({"train", d.write("t.gdir", text), "-q", "--metrics", d.file("x.csv")}), 2,
                 "x.csv: the rows come from there");
}

TEST_F(DataMistakes, a_file_of_the_same_name_beside_the_model) {
  d.write("a.csv", "1,2,3,4\n");
  std::filesystem::create_directory(d.file("below"));
  d.write("below/a.csv", "1,2,x,4\n");
  d.write("m.cpp", scores_models);
  ToolRun run = run_tool({"train", "../m.cpp:scores", "--data", "a.csv"}, {.folder = d.file("below")});
  EXPECT_EQ(run.code, 7);
  EXPECT_THAT(run.err, testing::StartsWith("a.csv:1: error: column 3: 'x' is not a number"));
}

TEST_F(DataMistakes, pipes_and_devices) {
  ToolRun run = run_tool({"train", scores_file("scores"), "-q", "--data", "/dev/stdin"},
                         {.input = scores_of(4)});
  EXPECT_REFUSED(run, 7, "'/dev/stdin' is a pipe", "write them to a file first");
  EXPECT_REFUSED(train("scores", {"--data", "/dev/zero"}), 7, "'/dev/zero' is a device, no file");
}

TEST_F(DataMistakes, words_where_numbers_stand) {
  EXPECT_REFUSED(csv("1,2,3,yes\n4,5,6,no\n"), 7, "'yes' is not a number", "(--classes)");
}

TEST_F(DataMistakes, other_files_in_the_place_of_a_checkpoint) {
  const std::string table = d.write("a.csv", scores_of(4));
  EXPECT_REFUSED(train("scores", {"--data", table, "--save", table}), 7,
                 table + ": is there and is no checkpoint that this gdjit reads", "give another name");
  EXPECT_EQ(read_text(table), scores_of(4));
}

TEST_F(DataMistakes, a_file_that_changes_while_it_is_read) {
  Array x({DType::f32, {100'000, 3}}), y({DType::f32, {100'000, 1}});
  write_npy(d.file("y.npy"), TensorView("", y));
  auto run = [&](std::function<void()> change) {
    write_npy(d.file("x.npy"), TensorView("", x)); // mapped, being larger than 1 MiB
    return run_tool({"train", scores_file("scores"), "--data", "x=" + d.file("x.npy"), "--data",
                     "y=" + d.file("y.npy"), "--epochs", "100000000"},
                    {.interrupt_at = "step", .instead = std::move(change)});
  };
  ToolRun run_on = run([&] { std::ofstream(d.file("x.npy"), std::ios::app) << "more"; });
  EXPECT_EQ(run_on.code, 7);
  EXPECT_EQ(run_on.out, "");
  EXPECT_THAT(run_on.err, testing::HasSubstr("x.npy' changed while it was read"));
  ToolRun cut = run([&] { std::filesystem::resize_file(d.file("x.npy"), 5000); });
  EXPECT_EQ(cut.code, 7) << cut.signal << cut.err;
  EXPECT_EQ(cut.out, "");
}

class CheckpointMistakes : public DataMistakes {
protected:
  void SetUp() override {
    ToolRun run = train("scores", {"--data", d.write("rows.csv", scores_of(4)), "--save", saved});
    ASSERT_EQ(run.code, 0) << run.err;
    bytes = read_text(saved);
  }
  /// Every command that reads one, on these bytes.
  void expect_refused_by_all(const std::string& content, const Words& texts) {
    d.write("s", content);
    for (Words command : {Words{"eval"}, {"predict", "--x", "1,2,3"}, {"train", "--steps", "9"}}) {
      command.insert(command.begin() + 1, scores_file("scores"));
      command.insert(command.end(), {command[0] == "train" ? "--resume" : "--load", saved});
      SCOPED_TRACE(command[0]);
      expect_refused(run_tool(command), 7, texts);
    }
    expect_refused(run_tool({"info", saved}), 7, texts);
    EXPECT_EQ(read_text(saved), content);
  }
  std::string saved = d.file("s"), bytes;
};

TEST_F(CheckpointMistakes, files_that_are_damaged_foreign_or_newer) {
  expect_refused_by_all(bytes.substr(0, bytes.size() - 5), {d.file("s"), "truncated"});
  expect_refused_by_all("", {d.file("s")});
  std::string flipped = bytes;
  flipped[flipped.size() - 3] ^= 1;
  expect_refused_by_all(flipped, {d.file("s"), "damaged"});
  flipped = bytes;
  flipped[bytes.find("\\\"step\\\"") + 3] ^= 1;
  expect_refused_by_all(flipped, {d.file("s")});
  expect_refused_by_all("PK\x03\x04 a zip file of another program", {d.file("s")});
  Array w({DType::f32, {2}});
  write_safetensors(d.file("other"), std::vector<TensorView>{{"w", w}});
  expect_refused_by_all(read_text(d.file("other")),
                        {"a safetensors file, but no checkpoint of gdjit", "train --save"});
  std::string text = R"({"version":99,"written_by":"9.9"})";
  write_safetensors(d.file("newer"), std::vector<TensorView>{{"w", w}},
                    {{"gdjit.checkpoint", text}});
  expect_refused_by_all(read_text(d.file("newer")),
                        {"it is of format 99, written by gdjit 9.9", "reads formats up to 1"});
}

TEST_F(CheckpointMistakes, another_models) {
  EXPECT_REFUSED(run_tool({"predict", scores_file("grades"), "--load", saved, "--x", "1,2,3"}), 7,
                 "the model was saved with other options", "momentum=0.5 there");
  ToolRun other = run_tool({"train", scores_file("pass"), "-q", "--data", d.file("rows.csv"),
                            "--steps", "1", "--save", d.file("pass")});
  ASSERT_EQ(other.code, 0) << other.err;
  EXPECT_REFUSED(run_tool({"eval", scores_file("grades"), "--load", d.file("pass")}), 7,
                 "the checkpoint is of another model", "fc/w : f32[3,3] in the model, f32[3,1] in",
                 "saved by model 'pass', not 'grades'");
  EXPECT_REFUSED(
      run_tool({"eval", scores_file("scores"), "--load", saved, "--set", "momentum=0.25"}), 7,
      "momentum=0.5 there, 0.25 here; --set momentum=0.5 gives the saved one");
  EXPECT_REFUSED(run_tool({"eval", scores_file("scores"), "--load", saved, "--dtype", "f64"}), 7,
                 "fc/w : f64[3,1] in the model, f32[3,1] in the file");
}

TEST_F(CheckpointMistakes, runs_that_go_on_otherwise) {
  auto resume = [&](Words more) {
    more.insert(more.begin(), {"--resume", saved});
    return train("scores", more);
  };
  EXPECT_REFUSED(resume({"--batch", "4"}), 2, "goes on as it began", "--batch 4, there none");
  EXPECT_REFUSED(resume({"--set", "momentum=0.75"}), 2, "--set momentum=0.75, there none",
                 "without --resume");
  EXPECT_REFUSED(resume({"--data", d.write("few.csv", "1,2,3,4\n")}), 7,
                 "the run went over other rows", "rows: 11 there, 1 here");
  EXPECT_REFUSED(train("scores", {"--resume", d.file("none")}), 7, d.file("none"), "No such file");
  d.write("m.jsonl", "no metrics\n");
  EXPECT_REFUSED(resume({"--metrics", d.file("m.jsonl")}), 7,
                 d.file("m.jsonl") + ":1: error: ", "no metrics of an earlier run");
  EXPECT_EQ(read_text(d.file("m.jsonl")), "no metrics\n");
}

TEST_F(CheckpointMistakes, files_that_cannot_be_written) {
  Words data = {"--data", d.file("rows.csv"), "--save"};
  auto save = [&](const std::string& to) {
    return train("scores", {"--data", d.file("rows.csv"), "--save", to});
  };
  EXPECT_REFUSED(save("/dev/full"), 7, "/dev/full", "No space left on device");
  EXPECT_REFUSED(save("/nonexistent/s"), 7, "/nonexistent/s", "No such file");
  EXPECT_REFUSED(save(d.path()), 7, "Is a directory");
  // A disk that is full in the middle of a save: what was there stays.
  ToolRun full = run_shell(fmt::format(
      "trap '' XFSZ; ulimit -f 1; exec gdjit train {} --resume {} --save {} --steps 9 -q",
      scores_file("scores"), saved, saved));
  EXPECT_REFUSED(full, 7, "cannot write '" + saved + "'", "File too large");
  EXPECT_EQ(read_text(saved), bytes);
  EXPECT_EQ(d.names(), (Words{"rows.csv", "s"})) << "nothing half-written";
}

TEST_F(CheckpointMistakes, predictions_of_nothing) {
  std::string model = scores_file("scores");
  EXPECT_REFUSED(run_tool({"predict", model, "--x", "1,2,3"}), 2,
                 "predict needs trained values: --load FILE", "gdjit train " + model + " --save");
  EXPECT_REFUSED(run_tool({"eval", model}), 2, "eval needs trained values: --load FILE");
  auto predict = [&](Words more) {
    more.insert(more.begin(), {"predict", model, "--load", saved});
    return run_tool(more);
  };
  EXPECT_REFUSED(predict({}), 2, "1 input of 'scores' without values", "x : f32[1,3]",
                 "--NAME 1,2,3, or a file, --data FILE");
  EXPECT_REFUSED(predict({"--x", "1,2"}), 2, "--x: 2 values; the input x : f32[1,3] takes 3 a row");
  EXPECT_REFUSED(predict({"--x", "1,2,b"}), 2, "--x: 'b' is no number");
  EXPECT_REFUSED(predict({"--x", "1,2,"}), 2, "--x: '' is no number");
  EXPECT_REFUSED(predict({"--x", "1,2,nan"}), 2, "--x: nan is not a finite number");
  EXPECT_REFUSED(predict({"--x", "1,2,3", "--output", "q"}), 2, "error: model 'scores' has no output 'q'");
  EXPECT_REFUSED(predict({"--x", "1,2,1e39"}), 7, "--x: row 1, column 3",
                 "beyond the greatest f32");
  EXPECT_REFUSED(predict({"--x"}), 2, "--x has no values");
  EXPECT_REFUSED(predict({"--xx", "1,2,3"}), 2, "no input '--xx'; did you mean '--x'?");
  EXPECT_REFUSED(predict({"more"}), 2, "predict: 'more' is one argument too many");
  EXPECT_REFUSED(predict({"--x", "1,2,3", "--data", d.file("rows.csv")}), 2,
                 "--data gives the rows, so --x has no place");
  EXPECT_REFUSED(predict({"--x", "1,2,3", "--out", d.file("o.txt")}), 2,
                 "o.txt: the name ends in neither .csv nor .npy");
  EXPECT_REFUSED(predict({"--x", "1,2,3", "--out", "/nonexistent/o.csv"}), 7, "/nonexistent/o.csv");
  EXPECT_REFUSED(predict({"--x", "1,2,3", "--output", "finl"}), 2, "finl");
  EXPECT_REFUSED(predict({"--data", d.write("two.csv", "a,b\n1,2\n")}), 7,
                 "the inputs take 3 columns, the table has 2");
}

} // namespace
