// Tables of a program by name, for its parser.
#include "StatementParser.h"
#include "gdjit/IR/TextWriter.h"
#include "gdjit/Loop/Types.h"

#include <algorithm>
#include <fmt/format.h>

namespace gdjit::loop {

BufferId ProgramTables::buffer(const std::string& name) const {
  auto at = buffers_.find(name);
  return at == buffers_.end() ? none : at->second;
}

std::vector<std::string> ProgramTables::buffer_names() const {
  std::vector<std::string> names;
  for (const auto& entry : buffers_)
    names.push_back(entry.first);
  std::sort(names.begin(), names.end()); // the same suggestion in every run
  return names;
}

std::vector<std::string> ProgramTables::rows(BufferRole role) const {
  std::vector<std::string> names;
  for (uint32_t i = 0; const std::string* name = row_name(signature_, role, i); ++i)
    names.push_back(*name);
  return names;
}

std::optional<uint32_t> ProgramTables::row(BufferRole role, const std::string& name) {
  auto [table, fresh] = rows_.try_emplace(role);
  if (fresh) {
    std::vector<std::string> names = rows(role);
    for (uint32_t i = 0; i < names.size(); ++i)
      table->second.emplace(names[i], i);
  }
  auto at = table->second.find(name);
  return at == table->second.end() ? std::nullopt : std::optional<uint32_t>(at->second);
}

void ProgramTables::read_note(TextReader& in, NodeId& node) {
  size_t at = (in.peek(), in.offset());
  node = static_cast<NodeId>(in.integer("the number of a node", 0, int64_t{no_node} - 1));
  Note note;
  note.node = node;
  bool said = false;
  char c = in.peek();
  if (c == '"' || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
    note.name = in.name("the name of a node");
    said = true;
  }
  if (in.try_char('(')) {
    said = true;
    for (Part part : {Part::backward, Part::update})
      if (size_t start = (in.peek(), in.offset()); in.try_word(gdjit::name(part))) {
        if (in.peek() == ':')
          in.go_to(start); // a file of that name
        else
          note.part = part;
      }
    if (in.peek() != ')')
      note.location = in.place();
    in.expect(')', "behind the place of a node");
  }
  if (!said)
    return;
  auto [place, fresh] = notes_.emplace(node, note);
  const Note& known = place->second;
  if (!fresh &&
      !(known.name == note.name && known.location == note.location && known.part == note.part))
    in.fail_at(at, fmt::format("node {} is described otherwise above", node));
}

std::vector<Note> ProgramTables::take_notes() {
  std::vector<Note> notes;
  for (auto& entry : notes_)
    notes.push_back(std::move(entry.second));
  return notes;
}

} // namespace gdjit::loop
