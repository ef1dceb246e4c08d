// A file of one run: faults lose nothing, a second run is refused.
#include "Scratch.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/FileFaults.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <sys/wait.h>
#include <unistd.h>

namespace gdjit {
namespace {

using test::Scratch;
using ::testing::HasSubstr;

// The fault: call number `fail_at` fails; writes go out in pieces of 100 bytes.
int calls = 0, fail_at = -1;
int fault(FileCall call, size_t& bytes) {
  if (call == FileCall::write && bytes > 100)
    bytes = 100;
  return calls++ == fail_at ? ENOSPC : 0;
}

class Faults {
public:
  explicit Faults(int at) {
    calls = 0;
    fail_at = at;
    set_file_fault(fault);
  }
  ~Faults() { set_file_fault(nullptr); }
};

std::string error_of(OwnedFile& file, const std::string& bytes) {
  std::string_view piece = bytes;
  try {
    file.write({&piece, 1});
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::data);
    return error.what();
  }
  return "";
}

/// Writes `next` over `last` with a fault at each call in turn; each failure leaves one of the two.
template <class F> void at_each_fault(const std::string& path, const Scratch& folder, F write) {
  std::string last = read_file(path);
  for (int at = 0;; ++at) {
    std::string next = std::string(250, static_cast<char>('a' + at));
    bool failed;
    {
      Faults faults(at);
      failed = write(next);
    }
    std::string now = read_file(path);
    EXPECT_EQ(folder.names().size(), 1u)
        << "nothing else stays behind after a fault at call " << at;
    if (!failed) {
      EXPECT_GT(at, 6) << "open, three writes, sync, rename, sync of the folder at least";
      EXPECT_EQ(now, next);
      return;
    }
    EXPECT_TRUE(now == last || now == next) << "after a fault at call " << at;
    last = now;
    ASSERT_LT(at, 30);
  }
}

TEST(OwnedFile, AFaultAtEachCallLeavesAWholeFile) {
  Scratch folder;
  OwnedFile file(folder.file("a"));
  ASSERT_EQ(error_of(file, "first"), "");
  at_each_fault(folder.file("a"), folder,
                [&](const std::string& next) { return !error_of(file, next).empty(); });
}

TEST(AtomicFileFaults, AFaultAtEachCallLeavesAWholeFile) {
  Scratch folder;
  write_file(folder.file("a"), "first");
  at_each_fault(folder.file("a"), folder, [&](const std::string& next) {
    try {
      write_file(folder.file("a"), next);
      return false;
    } catch (const Error&) {
      return true;
    }
  });
}

TEST(OwnedFile, ASecondRunIsRefused) {
  Scratch folder;
  OwnedFile first(folder.file("a")), second(folder.file("a"));
  ASSERT_EQ(error_of(first, "1"), "");
  EXPECT_THAT(error_of(second, "2"), HasSubstr("another run saves to '" + folder.file("a") + "'"));
  ASSERT_EQ(error_of(first, "3"), "");
  EXPECT_THROW(OwnedFile third(folder.file("a")), Error);
  EXPECT_EQ(read_file(folder.file("a")), "3");
  EXPECT_EQ(folder.names().size(), 1u);
}

TEST(OwnedFile, WhatSomeoneElseWroteIsLeft) {
  Scratch folder;
  OwnedFile file(folder.file("a"));
  ASSERT_EQ(error_of(file, "1"), "");
  write_file(folder.file("a"), "theirs");
  EXPECT_THAT(error_of(file, "2"), HasSubstr("was written by another program"));
  EXPECT_EQ(read_file(folder.file("a")), "theirs");
}

TEST(OwnedFile, ARunThatWasKilledLeavesNoLock) {
  Scratch folder;
  pid_t child = ::fork();
  if (child == 0) {
    OwnedFile file(folder.file("a"));
    std::string_view bytes = "child";
    file.write({&bytes, 1});
    folder.write(".a.gdjit-tmp", "half");
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  OwnedFile file(folder.file("a"));
  EXPECT_EQ(error_of(file, "parent"), "");
  EXPECT_EQ(read_file(folder.file("a")), "parent");
  EXPECT_EQ(folder.names().size(), 1u);
}

TEST(OwnedFile, FilesOfTheUserBesideItAreLeft) {
  Scratch folder;
  folder.write("a.tmp", "theirs");
  OwnedFile file(folder.file("a"));
  EXPECT_EQ(error_of(file, "1"), "");
  EXPECT_EQ(read_file(folder.file("a.tmp")), "theirs");
  // Even one under our own name, where it is known by another, too.
  ASSERT_EQ(::link((folder.file("a.tmp")).c_str(), (folder.file(".a.gdjit-tmp")).c_str()), 0);
  EXPECT_THAT(error_of(file, "2"), HasSubstr(".a.gdjit-tmp' is in the way"));
  EXPECT_EQ(read_file(folder.file("a.tmp")), "theirs");
  EXPECT_EQ(read_file(folder.file("a")), "1");
}

TEST(OwnedFile, ALinkStaysOne) {
  Scratch folder;
  ASSERT_EQ(::symlink("target", (folder.file("link")).c_str()), 0);
  folder.write("target", "old");
  OwnedFile file(folder.file("link"));
  EXPECT_EQ(error_of(file, "new"), "");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link")));
  EXPECT_EQ(read_file(folder.file("target")), "new");
}

TEST(OwnedFile, DevicesAreWrittenDirectly) {
  OwnedFile full("/dev/full");
  EXPECT_THAT(error_of(full, "x"), HasSubstr("No space left on device"));
}

} // namespace
} // namespace gdjit
