// Two steps, as ccache does it: source path, compiler and flags lead to a list of the files that
// were read last time and a hash of what they held; where that still holds, the object stands
// beside the list. Files whose size, times and number are those of the list are not read again: 330
// headers are 3.9 MB, 2 ms of a process, and 0.3 so.
#include "gdjit/Driver/CompileSource.h"

#include "WorkFolder.h"

#include "gdjit/Driver/Installation.h"
#include "gdjit/Driver/RunProgram.h"
#include "gdjit/Support/AtomicFile.h"
#include "gdjit/Support/Error.h"
#include "gdjit/Support/Hash.h"
#include "gdjit/Support/Split.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <set>
#include <sys/stat.h>
#include <utility>

namespace gdjit {

namespace fs = std::filesystem;

namespace {

/// A hash of many bytes, eight at a time.
uint64_t hash_words(std::string_view bytes) {
  uint64_t h = bytes.size();
  size_t i = 0;
  for (; i + 8 <= bytes.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes.data() + i, 8);
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    h ^= h >> 32;
  }
  return combine(h, hash_bytes(bytes.substr(i)));
}

/// Size and time of a file that is too large to read each time: the compiler, this library.
uint64_t hash_identity(const std::string& path) {
  struct stat s{};
  if (stat(path.c_str(), &s) != 0)
    return 0;
  uint64_t h = combine(hash_bytes(path), static_cast<uint64_t>(s.st_size));
  return combine(combine(h, static_cast<uint64_t>(s.st_mtim.tv_sec)),
                 static_cast<uint64_t>(s.st_mtim.tv_nsec));
}

int64_t nanoseconds(const timespec& t) { return int64_t{1'000'000'000} * t.tv_sec + t.tv_nsec; }

/// When a file was written, or took another's place: by the clock, as no one can set it.
int64_t last_change(const struct stat& s) { return nanoseconds(s.st_ctim); }

int64_t now() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// True where the file, or a link or folder on the way to it, was written or took another's place;
/// but for a folder that took another's and in which a file was made.
bool changed_since(const fs::path& path, int64_t time, std::set<fs::path>& seen) {
  for (fs::path p = path; !p.empty() && p != p.root_path(); p = p.parent_path()) {
    if (!seen.insert(p).second)
      return false; // nor had what it lies in
    struct stat s{};
    if (lstat(p.c_str(), &s) != 0)
      return true;
    const bool holds_new_files = S_ISDIR(s.st_mode) && nanoseconds(s.st_mtim) >= time;
    if (last_change(s) >= time && !holds_new_files)
      return true;
    std::error_code failed;
    if (S_ISLNK(s.st_mode) &&
        changed_since(p.parent_path() / fs::read_symlink(p, failed), time, seen))
      return true;
  }
  return false;
}

/// Size, times and number of a file. 0 where it is gone, and where it changed so lately that
/// another change might have the same time.
uint64_t identity_of(const std::string& path) {
  constexpr int64_t lately = 2'000'000'000; // the coarsest clock of a file system
  struct stat s{};
  if (stat(path.c_str(), &s) != 0 || now() - last_change(s) < lately)
    return 0;
  uint64_t h = static_cast<uint64_t>(s.st_size);
  for (uint64_t part : {static_cast<uint64_t>(s.st_ino), static_cast<uint64_t>(s.st_dev),
                        static_cast<uint64_t>(nanoseconds(s.st_mtim)),
                        static_cast<uint64_t>(nanoseconds(s.st_ctim))})
    h = combine(h, part);
  return h;
}

/// The files that an object was compiled from.
struct Sources {
  struct File {
    std::string path;
    uint64_t identity = 0; ///< when it was read
  };
  std::vector<File> files;
  uint64_t contents = 0; ///< a hash of what they held

  bool read_list(const std::string& path);
  void write_list(const std::string& path) const;
  void note_identities(const std::string& path) const;
  bool are_untouched() const;
  bool read_all();
};

/// False where there is none.
bool Sources::read_list(const std::string& path) {
  std::error_code ignored;
  if (!fs::is_regular_file(path, ignored))
    return false;
  auto hexadecimal = [](const std::string& line) { return std::stoull(line, nullptr, 16); };
  std::vector<std::string> lines = split_lines(read_file(path));
  constexpr size_t digits = 16;
  for (size_t i = 0; i < lines.size(); ++i)
    if (lines[i].size() < digits + 2 || lines[i].find_first_not_of("0123456789abcdef") < digits)
      return false;
  if (lines.empty() || lines[0].substr(digits + 1) != std::to_string(lines.size() - 1))
    return false; // cut short
  contents = hexadecimal(lines[0].substr(0, digits));
  for (size_t i = 1; i < lines.size(); ++i)
    files.push_back({lines[i].substr(digits + 1), hexadecimal(lines[i].substr(0, digits))});
  return true;
}

void Sources::write_list(const std::string& path) const {
  std::string text = fmt::format("{:016x} {}\n", contents, files.size());
  for (const File& file : files)
    text += fmt::format("{:016x} {}\n", file.identity, file.path);
  try {
    write_file(path, text);
  } catch (const Error&) {
    return; // a cache that may not be written serves as it is
  }
}

/// So that the next start need not read the files again.
void Sources::note_identities(const std::string& path) const {
  if (std::ranges::all_of(files, [](const File& file) { return file.identity != 0; }))
    write_list(path);
}

bool Sources::are_untouched() const {
  return std::ranges::all_of(files, [](const File& file) {
    return file.identity != 0 && identity_of(file.path) == file.identity;
  });
}

/// Of each file its identity and of all what they hold; false where one is gone.
bool Sources::read_all() {
  contents = 0;
  for (File& file : files) {
    try {
      file.identity = identity_of(file.path);
      contents =
          combine(contents, combine(hash_bytes(file.path), hash_words(read_file(file.path))));
    } catch (const Error&) {
      return false;
    }
  }
  return true;
}

/// What stands behind an object in the cache: of what the object holds.
std::string seal_of(std::string_view object) { return fmt::format("{:016x}", hash_words(object)); }

/// False where there is no object, or one that was cut off or damaged, as when power fails.
bool is_whole(const std::string& path) {
  std::error_code missing;
  if (!fs::is_regular_file(path, missing))
    return false;
  try {
    const std::string bytes = read_file(path), seal = seal_of("");
    const std::string_view object =
        std::string_view(bytes).substr(0, bytes.size() - std::min(bytes.size(), seal.size()));
    return bytes.size() > seal.size() && bytes.ends_with(seal_of(object));
  } catch (const Error&) {
    return false;
  }
}

/// $CXX may hold a launcher and flags: "ccache g++ -m64".
std::vector<std::string> compiler_command() {
  const char* cxx = std::getenv("CXX");
  std::string text = cxx ? cxx : "", word;
  std::vector<std::string> words;
  for (char c : text + " ")
    if (c != ' ')
      word += c;
    else if (!word.empty())
      words.push_back(std::exchange(word, ""));
  if (words.empty())
    words.push_back("c++");
  return words;
}

/// False where the file system is full: the linker would end with an error of its own.
bool has_room(const std::string& folder) {
  constexpr uintmax_t enough = 16 << 20; // an object takes a fiftieth
  std::error_code unknown;
  return fs::space(folder, unknown).available >= enough; // the largest number where it is unknown
}

} // namespace

std::vector<std::string> parse_dependencies(const std::string& rule) {
  std::vector<std::string> files;
  std::string word;
  size_t i = rule.find(": ");
  auto finish = [&] {
    if (!word.empty())
      files.push_back(std::exchange(word, ""));
  };
  for (i = i == std::string::npos ? rule.size() : i + 1; i < rule.size(); ++i) {
    char c = rule[i], next = i + 1 < rule.size() ? rule[i + 1] : '\0';
    if (c == '\\' && (next == ' ' || next == '#' || next == '\\')) {
      word += next;
      ++i;
    } else if (c == '$' && next == '$') {
      word += '$';
      ++i;
    } else if (c == '\\' && next == '\n') {
      finish();
      ++i;
    } else if (c == ' ' || c == '\n') {
      finish();
      if (c == '\n')
        break; // what follows are other rules
    } else {
      word += c;
    }
  }
  finish();
  return files;
}

CompiledSource compile_source(const std::string& source) {
  read_file(source); // says in its own words why not
  std::error_code ignored;
  fs::path absolute = fs::canonical(source, ignored);
  Installation installation = find_installation();
  if (installation.include.empty())
    throw Error(ErrorCode::compile,
                fmt::format("the headers of gdjit are not installed beside {}, and {} needs "
                            "them; install gdjit with its headers",
                            installation.libgdjit, source));

  std::vector<std::string> command = compiler_command();
  std::string program = find_program(command[0]);
  if (program.empty())
    throw Error(ErrorCode::compile,
                fmt::format("no C++ compiler: '{}' is not found, and {} must be compiled; install "
                            "g++ (12 or newer), "
                            "or name a compiler in the environment variable CXX",
                            command[0], source));
  // Messages and dumps name the file relative to its folder, so that they do not depend on where it
  // lies.
  for (const std::string& flag :
       {std::string("-std=c++20"), std::string("-O0"), std::string("-fPIC"), std::string("-shared"),
        std::string("-ffp-contract=off"), "-I" + installation.include,
        "-ffile-prefix-map=" + absolute.parent_path().string() + "/=", std::string("-Wl,-z,defs")})
    command.push_back(flag);

  uint64_t key = combine(hash_bytes(absolute.string()), hash_identity(program));
  for (const std::string& word : command)
    key = combine(key, hash_bytes(word));
  for (const char* variable : {"CPATH", "CPLUS_INCLUDE_PATH", "LIBRARY_PATH"})
    if (const char* value = std::getenv(variable))
      key = combine(key, hash_bytes(value));
  key = combine(key, hash_identity(installation.libgdjit)); // stands for our version, too

  std::string cache = cache_directory();
  std::string folder = cache.empty() ? "" : cache + "/models";
  if (!folder.empty())
    fs::create_directories(folder, ignored);
  std::string list = fmt::format("{}/{:016x}.files", folder, key);
  auto object_of = [&](uint64_t contents) {
    return fmt::format("{}/{:016x}.so", folder, combine(key, contents));
  };

  Sources known;
  if (!folder.empty() && known.read_list(list)) {
    const bool untouched = known.are_untouched();
    if ((untouched || known.read_all()) && is_whole(object_of(known.contents))) {
      if (!untouched)
        known.note_identities(list);
      return {object_of(known.contents), nullptr};
    }
  }

  const bool caches = !folder.empty() && has_room(folder);
  auto work = std::make_shared<WorkFolder>(caches ? folder : temporary_directory());
  bool keep = caches && !work->path().empty();
  if (caches && !keep)
    work = std::make_shared<WorkFolder>(temporary_directory());
  if (work->path().empty())
    throw Error(ErrorCode::data,
                fmt::format("{} cannot be compiled: neither the cache directory {} nor a temporary "
                            "one can be written; set XDG_CACHE_HOME or TMPDIR",
                            source, folder));
  std::string made = *work / "model.so", rule = *work / "model.d";
  std::vector<std::string> arguments = command;
  for (const std::string& word :
       {std::string("-MD"), std::string("-MF"), rule, std::string("-MT"), std::string("x"),
        std::string("-o"), made, absolute.string(), installation.libgdjit})
    arguments.push_back(word);
  const int64_t begin = now();
  Ended ended = run_program(program, arguments);
  if (!ended.well())
    throw Error(ErrorCode::compile,
                fmt::format("{} does not compile ({} {})", source, command[0],
                            ended.signal != 0 ? "was stopped by a signal"
                                              : fmt::format("exits with {}", ended.status)));
  if (!fs::exists(made, ignored) || !fs::exists(rule, ignored))
    throw Error(ErrorCode::compile,
                fmt::format("{} does not compile: '{}' says nothing and writes nothing; name a C++ "
                            "compiler, g++ 12 or newer, in the environment variable CXX",
                            source, command[0]));

  Sources sources;
  for (const std::string& file : parse_dependencies(read_file(rule)))
    sources.files.push_back({file});
  bool changed_meanwhile = !sources.read_all();
  std::set<fs::path> seen;
  for (const Sources::File& file : sources.files)
    changed_meanwhile = changed_meanwhile || changed_since(file.path, begin, seen);
  std::error_code failed;
  if (keep && !changed_meanwhile) {
    std::ofstream(made, std::ios::app | std::ios::binary) << seal_of(read_file(made));
    fs::rename(made, object_of(sources.contents), failed);
  }
  if (!keep || changed_meanwhile || failed)
    return {made, work};
  sources.write_list(list);
  return {object_of(sources.contents), nullptr};
}

} // namespace gdjit
