// Files appear whole or not at all, and a failed write leaves what was there.
#include "gdjit/Support/AtomicFile.h"

#include "Scratch.h"

#include "gdjit/Support/Error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace gdjit {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class AtomicFile : public ::testing::Test {
protected:
  void TearDown() override { fs::permissions(folder_.path(), fs::perms::owner_all); }
  std::string path(const std::string& name) const { return folder_.file(name); }
  size_t files() const { return folder_.names().size(); }

  test::Scratch folder_;
};

std::string error_of(const std::string& path, std::string_view bytes) {
  try {
    write_file(path, bytes);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "no error";
}

TEST_F(AtomicFile, WritesAllBytesAndReadsThemBack) {
  std::string bytes(3'000'000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<char>(i * 31);
  write_file(path("a"), bytes);
  EXPECT_TRUE(read_file(path("a")) == bytes);
  write_file(path("a"), "");
  EXPECT_EQ(read_file(path("a")), "");
  EXPECT_EQ(files(), 1u) << "no temporary file stays behind";
}

TEST_F(AtomicFile, KeepsThePermissionsOfTheFileItReplaces) {
  write_file(path("a"), "one");
  fs::permissions(path("a"), fs::perms::owner_read | fs::perms::owner_write);
  write_file(path("a"), "two");
  EXPECT_EQ(fs::status(path("a")).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(AtomicFile, ANewFileHasThePermissionsThatTheUmaskLeaves) {
  mode_t before = ::umask(027);
  write_file(path("a"), "one");
  append_to_file(path("b"), "one");
  ::umask(before);
  for (const char* name : {"a", "b"})
    EXPECT_EQ(fs::status(path(name)).permissions(), static_cast<fs::perms>(0640)) << name;
}

TEST_F(AtomicFile, ALinkStaysOneAndWhatItLeadsToIsWritten) {
  fs::create_directory(path("elsewhere"));
  write_file(path("elsewhere/target"), "old");
  fs::create_symlink("elsewhere/target", path("link"));
  write_file(path("link"), "new");
  EXPECT_TRUE(fs::is_symlink(path("link")));
  EXPECT_EQ(read_file(path("elsewhere/target")), "new");
}

TEST_F(AtomicFile, WhatALinkLeadsToIsMadeWhereItIsNotThere) {
  fs::create_directory(path("elsewhere"));
  fs::create_symlink("target", path("elsewhere/second"));
  fs::create_symlink("elsewhere/second", path("first"));
  write_file(path("first"), "new");
  EXPECT_TRUE(fs::is_symlink(path("first")));
  EXPECT_TRUE(fs::is_symlink(path("elsewhere/second")));
  EXPECT_EQ(read_file(path("elsewhere/target")), "new");
}

TEST_F(AtomicFile, AppendingAddsAtTheEndAndFollowsNoLink) {
  append_to_file(path("a"), "one ");
  append_to_file(path("a"), "two");
  EXPECT_EQ(read_file(path("a")), "one two");
  fs::create_symlink("a", path("link"));
  EXPECT_THROW(append_to_file(path("link"), "three"), Error);
  EXPECT_EQ(read_file(path("a")), "one two");
}

TEST_F(AtomicFile, NamesPathAndReasonOfAFailure) {
  EXPECT_EQ(error_of(path("no/such/folder"), "x"),
            "error: cannot write '" + path("no/such/folder") + "': No such file or directory");
  EXPECT_EQ(error_of(folder_.path(), "x"),
            "error: cannot write '" + folder_.path() + "': Is a directory");
  EXPECT_EQ(error_of("", "x"), "error: cannot write '': No such file or directory");
  // Refused to everybody, the superuser too.
  EXPECT_THAT(error_of("/proc/self/a", "x"), HasSubstr("cannot write '/proc/self/a': "));
  EXPECT_THROW(read_file(path("none")), Error);
  EXPECT_THROW(read_file(folder_.path()), Error);
}

TEST_F(AtomicFile, AFullDeviceIsAnError) {
  EXPECT_EQ(error_of("/dev/full", "x"), "error: cannot write '/dev/full': No space left on device");
}

TEST_F(AtomicFile, DevicesAreWrittenDirectly) {
  write_file("/dev/null", "x");
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST_F(AtomicFile, AFolderThatMayNotBeWrittenKeepsTheOldFile) {
  if (::geteuid() == 0)
    GTEST_SKIP() << "the superuser may write everywhere";
  write_file(path("a"), "old");
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THAT(error_of(path("a"), "new"), HasSubstr("Permission denied"));
  EXPECT_EQ(read_file(path("a")), "old");
}

TEST_F(AtomicFile, AWriteThatStopsHalfWayKeepsTheOldFileAndLeavesNothingBehind) {
  write_file(path("a"), "old");
  auto write_beyond_the_limit = [&] {
    rlimit limit{};
    limit.rlim_cur = limit.rlim_max = 1000;
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::string message = error_of(path("a"), std::string(100'000, 'x'));
    std::_Exit(message.find("File too large") != std::string::npos ? 0 : 1);
  };
  EXPECT_EXIT(write_beyond_the_limit(), ::testing::ExitedWithCode(0), "");
  EXPECT_EQ(read_file(path("a")), "old");
  EXPECT_EQ(files(), 1u);
}

TEST_F(AtomicFile, APipeIsWrittenDirectly) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  std::string got;
  std::thread reader([&] { got = read_file(path("pipe")); });
  write_file(path("pipe"), "through");
  reader.join();
  EXPECT_EQ(got, "through");
}

} // namespace
} // namespace gdjit
