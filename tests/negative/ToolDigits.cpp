// Folders and files of digits that are wrong: each file is named, with what to do about it.
#include "ToolMistakes.h"
#include "ToolRows.h"

#include <sys/stat.h>

using namespace gdjit::test;

namespace {

class DigitMistakes : public testing::Test {
protected:
  static ToolRun train(std::vector<std::string> words) {
    words.insert(words.begin(), {"train", "09", "--steps", "1", "--quiet"});
    return run_tool(words);
  }
  ToolRun of_folder() const { return train({"--data", folder_}); }
  std::string write(const std::string& name, const std::string& bytes) const {
    return d_.write("digits/" + name, bytes);
  }
  /// So many blank images, or labels.
  static std::string images(char rows) {
    return std::string("\0\0\x08\x03\0\0\0", 7) + rows + std::string("\0\0\0\x1c\0\0\0\x1c", 8) +
           std::string(784 * static_cast<size_t>(rows), '\0');
  }
  static std::string labels(char rows) {
    return std::string("\0\0\x08\x01\0\0\0", 7) + rows +
           std::string(static_cast<size_t>(rows), '\1');
  }
  std::string write_set(const std::string& set, char rows = 2) const {
    write(set + "-labels-idx1-ubyte", labels(rows));
    return write(set + "-images-idx3-ubyte", images(rows));
  }

  void SetUp() override { std::filesystem::create_directory(folder_); }
  Scratch d_;
  std::string folder_ = d_.file("digits");
};

TEST_F(DigitMistakes, rows_that_are_not_there) {
  EXPECT_REFUSED(train({}), 7, "image", "label", "or from a file: --data FILE");
  // Commands without --data do not speak of it.
  ToolRun run = run_shell("gdjit dump 09 --stage declared | gdjit dump - --values");
  EXPECT_REFUSED(run, 7, "has no rows for 2 of its inputs", "'data NAME = …'");
  EXPECT_THAT(run.err, testing::Not(testing::HasSubstr("--data")));
}

TEST_F(DigitMistakes, folders_that_lack_a_file) {
  EXPECT_REFUSED(of_folder(), 7, "digits: the folder holds no digits", "train-images-idx3-ubyte",
                 "t10k-…");
  for (const char* set : {"t10k", "train"})
    for (const char* missing : {"-labels-idx1-ubyte", "-images-idx3-ubyte"}) {
      write_set("train");
      write_set("t10k");
      const std::string lacks = std::string(set) + missing;
      SCOPED_TRACE(lacks);
      std::filesystem::remove(folder_ + "/" + lacks);
      EXPECT_REFUSED(of_folder(), 7, " and no " + lacks, "add it, plain or as .gz, or take ");
    }
}

TEST_F(DigitMistakes, a_folder_that_may_not_be_searched) {
  write_set("train");
  chmod(folder_.c_str(), 0);
  ToolRun run = geteuid() == 0
                    ? run_shell("chmod 755 " + d_.path() +
                                "; exec setpriv --reuid 65534 --clear-groups --inh-caps=-all "
                                "gdjit train 09 --steps 1 --quiet --data " +
                                folder_)
                    : of_folder();
  chmod(folder_.c_str(), 0755);
  if (run.code == 127 || run.err.find("setpriv") != std::string::npos)
    GTEST_SKIP() << "root may read everything, and there is no setpriv";
  EXPECT_REFUSED(run, 7, "cannot read '" + folder_ + "': Permission denied", "chmod u+x");
}

TEST_F(DigitMistakes, a_file_packed_and_plain) {
  const std::string file = write_set("train");
  write("train-images-idx3-ubyte.gz", "never looked at");
  ToolRun run = of_folder();
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_THAT(run.err, testing::HasSubstr(file + " is there as .gz, too; the plain one is taken"));
}

TEST_F(DigitMistakes, what_is_no_file) {
  const std::string file = write_set("train");
  std::filesystem::remove(file);
  std::filesystem::create_symlink("/dev/zero", file);
  EXPECT_REFUSED(of_folder(), 7, "'" + file + "' is a device, no file");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_REFUSED(of_folder(), 7, "'" + file + "' is a folder");
}

TEST_F(DigitMistakes, files_that_are_damaged) {
  write("t10k-images-idx3-ubyte", "");
  write("t10k-labels-idx1-ubyte", "");
  EXPECT_REFUSED(of_folder(), 7, "t10k-images-idx3-ubyte: ends within its header",
                 "it is truncated");
  write("t10k-images-idx3-ubyte", std::string("\3\x08\0\0\1\0\0\0", 8));
  EXPECT_REFUSED(of_folder(), 7, "t10k-images-idx3-ubyte: is no IDX file", "two zero bytes");
}

TEST_F(DigitMistakes, numbers_of_images_and_labels) {
  const std::string file = write_set("train");
  write("train-labels-idx1-ubyte", labels(1));
  EXPECT_REFUSED(of_folder(), 7, file + " holds 2 rows for input image, ",
                 "train-labels-idx1-ubyte holds 1 for input label", "fetch both again");
  write_set("train", 0);
  EXPECT_REFUSED(of_folder(), 7,
                 file + ": holds unsigned byte[0,28,28], read as i32, which has no row",
                 "give one with rows");
}

TEST_F(DigitMistakes, a_file_in_the_place_of_its_folder) {
  EXPECT_REFUSED(train({"--data", write_set("train")}), 7,
                 "train-images-idx3-ubyte: the file is an IDX file",
                 "give the folder that it is in, or INPUT=FILE for each input");
}

TEST_F(DigitMistakes, models_without_such_inputs) {
  EXPECT_REFUSED(
      run_tool({"train", scores_file("scores"), "--data", (write_set("train"), folder_)}), 2,
      "the one float input", "INPUT=FILE");
}

TEST_F(DigitMistakes, files_for_inputs) {
  const std::string label = "label=" + d_.write("l", labels(1));
  std::string image = d_.write("i", std::string("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abcd", 20));
  EXPECT_REFUSED(train({"--data", "image=" + image, "--data", label}), 7,
                 "i: holds unsigned byte[1,2,2], read as i32, which does not fit input image");
  d_.write("i", std::string("\0\0\x08\x03\0\0\0\1\0\0\0\2\0\0\0\2abc", 19));
  EXPECT_REFUSED(train({"--data", "image=" + image, "--data", label}), 7,
                 "i: its extents [1,2,2] take 20 bytes, the file holds 19", "fetch it again");
  for (const std::vector<std::string>& more : {std::vector<std::string>{}, {"--data", label}}) {
    std::vector<std::string> words = {"--data", "imag=" + image};
    words.insert(words.end(), more.begin(), more.end());
    EXPECT_REFUSED(train(words), 2, "--data imag=" + image + ": there is no input 'imag'",
                   "did you mean 'image'?", "inputs: image, label");
  }
}

} // namespace
